import { serveContent } from '@stowage/content/serve';
import { LocalContentStore } from '@stowage/content-store';

// node serve-content.ts <socket> <folder>: a content store in a process of its own, for whoever has its socket.

const [socket = '', folder = ''] = process.argv.slice(2);
const store = await LocalContentStore.open(folder);
const server = await serveContent(store, { socket });
process.once('SIGTERM', () => void server.close());
process.stdout.write('ready\n');
await server.closed;
await store[Symbol.asyncDispose]();
