import { serveSnapshotter } from '@stowage/snapshots/serve';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';

// node serve-snapshotter.ts <socket> <folder>: a snapshotter in a process of its own, for whoever has its socket.

const [socket = '', folder = ''] = process.argv.slice(2);
const snapshotter = await OverlaySnapshotter.open(folder);
const server = await serveSnapshotter(snapshotter, { socket });
process.once('SIGTERM', () => void server.close());
process.stdout.write('ready\n');
await server.closed;
await snapshotter[Symbol.asyncDispose]();
