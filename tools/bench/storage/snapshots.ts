import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unixTransport } from '@stowage/rpc/transport';
import type { Snapshotter } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { inFlight } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { type Peer, startBoth } from '../peers.ts';
import type { StorageOptions } from '../storage.ts';

const CYCLES = 200;
const CALLS = 2000;
const LAYERS = 100;
const FILES = 100_000;
const CLIENTS = 8;
/** Nothing is collected while it is measured. */
const kept = { labels: { 'containerd.io/gc.root': 'bench' } };

/** Snapshots of overlayfs, asked for by the same client. */
export async function snapshots({ dir, rounds }: StorageOptions): Promise<Row[]> {
  await mkdir(dir, { recursive: true });
  await using both = await startBoth(dir);
  const { peers } = both;
  await using stack = new AsyncDisposableStack();
  const clients = new Map<Peer, Snapshotter>();
  for (const peer of peers) {
    const transport = stack.use(unixTransport(peer.address));
    clients.set(peer, remoteSnapshotter(transport, 'overlayfs', { namespace: 'bench' }));
  }
  const of = (peer: Peer): Snapshotter => {
    const client = clients.get(peer);
    if (client === undefined) throw new Error(`no connection to ${peer.name}`);
    return client;
  };
  const rows: Row[] = [];
  for (const width of [1, CLIENTS]) {
    const at = width === 1 ? 'one at a time' : `${width} at a time`;
    rows.push(
      ...(await compare({
        what: `${CYCLES} prepare, commit and remove of a snapshot, ${at}`,
        peers,
        rounds,
        aim: 1,
        cpu: true,
        work: (peer, round) => inFlight(CYCLES, width, (n) => cycle(of(peer), `${width}-${round + 1}-${n}`)),
      })),
    );
  }
  for (const peer of peers) await stackLayers(of(peer));
  rows.push(
    ...(await compare({
      what: `${CALLS} mounts of a snapshot on ${LAYERS} layers, ${CLIENTS} at a time`,
      peers,
      rounds,
      aim: 1,
      cpu: true,
      work: (peer) => inFlight(CALLS, CLIENTS, () => of(peer).mounts('stacked')),
    })),
  );
  for (const peer of peers) await fillSnapshot(of(peer));
  rows.push(
    ...(await compare({
      what: `usage of an active snapshot of ${FILES} files`,
      peers,
      rounds,
      aim: 1,
      cpu: true,
      work: (peer) => of(peer).usage('filled'),
    })),
  );
  return rows;
}

async function cycle(s: Snapshotter, id: string): Promise<void> {
  await s.prepare(`active ${id}`, '', kept);
  await s.commit(`committed ${id}`, `active ${id}`, kept);
  await s.remove(`committed ${id}`);
}

async function stackLayers(s: Snapshotter): Promise<void> {
  let parent = '';
  for (let i = 0; i < LAYERS; i++) {
    await s.prepare(`layer key ${i}`, parent, kept);
    parent = `layer ${i}`;
    await s.commit(parent, `layer key ${i}`, kept);
  }
  await s.prepare('stacked', parent, kept);
}

async function fillSnapshot(s: Snapshotter): Promise<void> {
  const [mount] = await s.prepare('filled', '', kept);
  const root = mount?.source ?? '';
  const directories = 500;
  await inFlight(directories, 8, async (n) => {
    const path = join(root, `directory-${n}`);
    await mkdir(path);
    for (let i = 0; i < FILES / directories - 1; i++) await writeFile(join(path, `file-${i}`), '');
  });
}
