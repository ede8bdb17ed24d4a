// node tools/soak/main.ts: works with a daemon, or an engine, for a long time. See README.md.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { leaks, startRegistry, takeCensus, tempDir } from '@stowage/testing';
import { pushImages } from './src/images.ts';
import { type Sample, type Slope, slopeOf } from './src/memory.ts';
import { soakDaemon, soakEngine } from './src/subjects.ts';

const USAGE = `node --conditions=stowage-source tools/soak/main.ts [daemon|engine]
  --minutes N   60
  --lanes N     how many work at once; 8
  --warm-up N   minutes after which memory is looked at; 10, or a sixth of it all`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '60' },
    lanes: { type: 'string', default: '8' },
    'warm-up': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [name = 'daemon'] = positionals;
if (values.help || !['daemon', 'engine'].includes(name)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const MINUTE_MS = 60_000;
/** What was ended is gone a moment later. */
const SETTLED_MS = 15_000;
const minutes = Number(values.minutes);
const lanes = Number(values.lanes);
const warmUpMs = Number(values['warm-up'] ?? Math.min(10, minutes / 6)) * MINUTE_MS;

await using dir = await tempDir(`soak-${name}`);
const namespace = `soak-${randomUUID().slice(0, 8)}`;
process.env.CONTAINERD_NAMESPACE = namespace;
const before = await takeCensus({ dir: dir.path, namespace });
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
const timer = setTimeout(() => stop.abort(), minutes * MINUTE_MS);
const began = performance.now();
const samples = new Map<string, Sample[]>();
let failure: unknown;
let done = {};
{
  await using registry = await startRegistry(`${dir.path}/registry`);
  const images = await pushImages(dir.path, registry.host, lanes);
  const sample = (process: string, bytes: number) => {
    const known = samples.get(process) ?? [];
    samples.set(process, known);
    known.push({ atMs: performance.now() - began, bytes });
  };
  const soak = name === 'engine' ? soakEngine : soakDaemon;
  try {
    done = await soak({ dir: dir.path, namespace, images, lanes, signal: stop.signal, sample });
  } catch (e) {
    failure = e;
  }
}
clearTimeout(timer);
let left: string[] = [];
for (const giveUp = performance.now() + SETTLED_MS; performance.now() < giveUp; await delay(200)) {
  left = leaks(before, await takeCensus({ dir: dir.path, namespace }));
  if (left.length === 0) break;
}
const memory: Record<string, Slope | undefined> = {};
for (const [process, taken] of samples) memory[process] = slopeOf(taken, warmUpMs);
const seconds = Math.round((performance.now() - began) / 1000);
console.log(
  JSON.stringify({
    subject: name,
    seconds,
    lanes,
    done,
    failures: failure === undefined ? 0 : 1,
    left,
    memory,
  }),
);
const rates = Object.entries(memory).map(([process, slope]) =>
  slope === undefined ? '' : `${process} ${slope.first} to ${slope.last} MiB, ${slope.perHour} MiB an hour`,
);
console.log(
  `soak of ${name}: ${seconds} s, ${JSON.stringify(done)}, ${left.length} left, ${rates.join('; ')}`,
);
if (failure !== undefined) console.log(`FAILED: ${failure instanceof Error ? failure.stack : failure}`);
for (const line of left) console.log(`LEFT: ${line}`);
if (failure !== undefined || left.length > 0) process.exitCode = 1;
