#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { openMySnapshotter } from './index.ts';

const { values } = parseArgs({
  options: {
    socket: { type: 'string', default: '/run/my-snapshotter.sock' },
    root: { type: 'string', default: '/var/lib/my-snapshotter' },
  },
});
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

await using snapshotter = await openMySnapshotter(values.root);
await using server = await serveSnapshotter(snapshotter, {
  socket: values.socket,
  name: 'my-snapshotter',
  signal: stop.signal,
});
console.log(`serving at ${server.path}`);
await server.closed;
