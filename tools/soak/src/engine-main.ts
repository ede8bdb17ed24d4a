// An engine in a process of its own, that works with it and tells its memory on standard output.
import { Embedded } from '@stowage/embedded';
import { type Done, work } from './work.ts';

const [root = '', lanes = '1', ...images] = process.argv.slice(2);
const SAMPLE_MS = 5000;

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const done: Done = { pulls: 0, runs: 0, execs: 0, removals: 0 };
const timer = setInterval(() => {
  console.log(JSON.stringify({ bytes: process.memoryUsage.rss(), done }));
}, SAMPLE_MS);
try {
  await using stowage = await Embedded.open({ root, state: `${root}-state` });
  const client = stowage.client(process.env.CONTAINERD_NAMESPACE);
  const all = Array.from({ length: Number(lanes) }, (_, lane) =>
    work({ client, images, signal: stop.signal }, lane, done).finally(() => stop.abort()),
  );
  await Promise.all(all);
  for await (const { name } of client.services.images.list()) await client.services.images.delete(name);
} finally {
  clearInterval(timer);
}
console.log(JSON.stringify({ bytes: process.memoryUsage.rss(), done, over: true }));
