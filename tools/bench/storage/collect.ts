import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Leases } from '@stowage/api/leases/v1';
import { inFlight } from '@stowage/testing';
import { cpuMsOf, median, percentile, type Row, timed } from '../figures.ts';
import type { LoadClient } from '../load-client.ts';
import { type Peer, startPeer, startStowage } from '../peers.ts';
import type { StorageOptions } from '../storage.ts';
import { connectTo, digestOfBlob, putBlob, putContainer, putImage } from './fill.ts';

const GARBAGE = 'garbage';
const WIDTH = 16;
/** What a client waits between two calls, so that it is no load of its own. */
const PAUSE_MS = 2;
const IDLE_CALLS = 500;

interface Figures {
  readonly collection: number[];
  readonly processor: number[];
  readonly idle: number[];
  readonly busy: number[];
  readonly longest: number[];
  readonly beyond: number[];
}

/**
 * Garbage collection of many objects, one in ten of them garbage, and how long another client waits meanwhile. What
 * is collected is made once for each daemon, in an orderly way, and copied for each round.
 */
export async function collect({ dir, rounds, objects }: StorageOptions): Promise<Row[]> {
  const starts = { stowage: startStowage, containerd: startPeer };
  const names = ['stowage', 'containerd'] as const;
  const made = (name: Peer['name']) => join(dir, 'made', name, 'root');
  for (const name of names) {
    await mkdir(join(dir, 'made'), { recursive: true });
    await using peer = await starts[name](join(dir, 'made'));
    await fill(peer, objects);
  }
  const figures: Record<Peer['name'], Figures> = { stowage: none(), containerd: none() };
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const at = join(dir, `round-${round}`);
      await mkdir(join(at, name), { recursive: true });
      await cp(made(name), join(at, name, 'root'), { recursive: true, preserveTimestamps: true });
      {
        await using peer = await starts[name](at);
        await measure(peer, figures[name]);
      }
      await rm(at, { recursive: true, force: true });
    }
  }
  for (const name of names) console.error(`collect, ${name}: ${JSON.stringify(figures[name])}`);
  const row = (what: string, part: keyof Figures, more: Partial<Row> = {}): Row => ({
    what,
    unit: 'ms',
    stowage: median(figures.stowage[part]),
    containerd: median(figures.containerd[part]),
    ...more,
  });
  return [
    row(`garbage collection, ${objects} objects, a tenth garbage`, 'collection', { aim: 1 }),
    row('    processor time of the daemon', 'processor'),
    row('    Images.Create, 99 % within, nothing else going on', 'idle'),
    row('    Images.Create, 99 % within, during garbage collection', 'busy'),
    row('    Images.Create, longest during garbage collection', 'longest'),
    row('    … beyond the 99 % of nothing going on', 'beyond', { atMost: 10 }),
  ];
}

/** Blobs held by one lease and by nothing else; the rest is images, and a tenth containers. */
async function fill(peer: Peer, objects: number): Promise<void> {
  const tenth = Math.floor(objects / 10);
  using client = await connectTo(peer);
  await client.call(Leases.method.create, { id: GARBAGE });
  const digest = digestOfBlob(0);
  await putImage(client, 'image-of-the-blob', digest);
  await putBlob(client, 0);
  await inFlight(tenth, WIDTH, (n) => putBlob(client, n + 1, GARBAGE));
  await inFlight(tenth, WIDTH, (n) => putContainer(client, `container-${n}`));
  await inFlight(objects - 2 * tenth, WIDTH, (n) =>
    putImage(client, `registry.example/image-${n}:1`, digest),
  );
}

async function measure(peer: Peer, figures: Figures): Promise<void> {
  await settled(peer);
  using client = await connectTo(peer);
  using other = await connectTo(peer);
  await creating(other, 'warm', (made) => made === IDLE_CALLS);
  const idle = await creating(other, 'idle', (made) => made === IDLE_CALLS);
  const busy = await cpuMsOf(peer.pids());
  let over = false;
  const collection = timed(() => client.call(Leases.method.delete, { id: GARBAGE, sync: true })).finally(
    () => {
      over = true;
    },
  );
  const during = await creating(other, 'during', () => over);
  figures.collection.push(await collection);
  figures.processor.push((await cpuMsOf(peer.pids())) - busy);
  const calm = percentile(idle, 0.99);
  const longest = Math.max(...during);
  figures.idle.push(calm);
  figures.busy.push(percentile(during, 0.99));
  figures.longest.push(longest);
  figures.beyond.push(longest - calm);
}

/** Makes images one after the other. @returns how long each took, in ms. */
async function creating(
  client: LoadClient,
  name: string,
  enough: (made: number) => boolean,
): Promise<number[]> {
  const digest = `sha256:${'0'.repeat(64)}`;
  const took: number[] = [];
  while (!enough(took.length)) {
    took.push(await timed(() => putImage(client, `registry.example/${name}-${took.length}:1`, digest)));
    await delay(PAUSE_MS);
  }
  return took;
}

/** Waits until a daemon has done what it does after its start, garbage collection included. */
async function settled(peer: Peer): Promise<void> {
  await peer.ctr('version');
  let before = -1;
  for (;;) {
    await delay(1000);
    const now = await cpuMsOf(peer.pids());
    if (now - before <= 20) return;
    before = now;
  }
}

function none(): Figures {
  return { collection: [], processor: [], idle: [], busy: [], longest: [], beyond: [] };
}
