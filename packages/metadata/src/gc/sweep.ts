import { fromBinary } from '@bufbuild/protobuf';
import { InfoSchema } from '@stowage/api/snapshots/v1';
import { type Digest, Fault } from '@stowage/core';
import { dropBlob, dropIngest } from '../content/drop.ts';
import type { Sealed } from '../database/frame.ts';
import { type ParsedKey, parseKey } from '../database/keys.ts';
import { dropImage } from '../images.ts';
import { dropLease } from '../leases.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { HeldLocks } from '../ledger/locks.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { dropMounts } from '../mounts/namespaced-mounts.ts';
import { dropSnapshot } from '../snapshots/namespaced-snapshotter.ts';
import { infoOf } from '../snapshots/records.ts';
import type { Cycle } from './cycle.ts';
import type { ObjectGraph } from './object-graph.ts';
import { holdersFirst } from './order.ts';
import type { Pieces } from './pieces.ts';

/** Deletes the records of what is not live, what keeps others before those. @returns how many. */
export async function sweep(
  ledger: Ledger,
  graph: ObjectGraph,
  cycle: Cycle,
  pieces: Pieces,
): Promise<number> {
  const dead = new Int32Array(graph.size);
  let count = 0;
  for (let object = 0; object < dead.length; object += 1) {
    await pieces.step();
    if (cycle.isLive(object)) continue;
    dead[count] = object;
    count += 1;
  }
  let removed = 0;
  for (const page of await holdersFirst(graph, dead.subarray(0, count), pieces)) {
    await pieces.pause();
    removed += await dropPage(ledger, graph, page, cycle, pieces);
  }
  return removed;
}

/** Deletes what is not live of a page, in one write. */
async function dropPage(
  ledger: Ledger,
  graph: ObjectGraph,
  page: Int32Array,
  cycle: Cycle,
  pieces: Pieces,
): Promise<number> {
  using locks = new HeldLocks();
  const held: number[] = [];
  for (const object of page) {
    // What is only named has its place in the order too: something may live while it does.
    if (!graph.isThere(object) || cycle.isLive(object)) continue;
    const key = graph.keyOf(object);
    const lock = isStuck(ledger, key) ? undefined : ledger.locks.tryExclusive(key);
    // Somebody has to do with it, or it can't go. It stays for now with all it keeps, none of which has gone before it.
    if (lock === undefined) cycle.touch([key]);
    else {
      locks.add(lock);
      held.push(object);
    }
  }
  for (;;) {
    const dead = held.filter((object) => !cycle.isLive(object));
    if (dead.length === 0) return 0;
    try {
      return await ledger.mutate({}, async (tx) => {
        const dropped = await gather(
          ledger,
          tx,
          dead.map((object) => graph.keyOf(object)),
        );
        await pieces.pause();
        // Whoever names one of them in a write before this one saves it; whoever does after this one comes too late.
        tx.onlyIf(() => dead.every((object) => !cycle.isLive(object)));
        return dropped;
      });
    } catch (e) {
      if (!Fault.is(e, 'aborted')) throw e;
    }
  }
}

/** What can't be removed now: an ingest that somebody writes to, or what is of a backend that is not here. */
function isStuck({ openIngests, backends }: Ledger, key: string): boolean {
  if (openIngests.has(key)) return true;
  const parsed = parseKey(key);
  const snapshotter = parsed?.table === 'snapshots' ? parsed.snapshotter : '';
  return parsed !== undefined && hasNoBackend(backends, parsed.table, snapshotter);
}

/** Whether an object of this kind can't be removed, since what it is of is not here. */
export function hasNoBackend(backends: Ledger['backends'], kind: string, snapshotter: string): boolean {
  if (kind === 'mounts') return backends.mounts === undefined;
  return kind === 'snapshots' && !backends.snapshotters.has(snapshotter);
}

async function gather(ledger: Ledger, tx: Transaction, keys: readonly string[]): Promise<number> {
  const records = await Promise.all(keys.map((key) => ledger.db.get(key)));
  let dropped = 0;
  for (const [i, key] of keys.entries()) {
    const parsed = parseKey(key);
    const sealed = records[i];
    if (parsed === undefined || sealed === undefined) continue;
    await drop(ledger, tx, parsed, sealed);
    dropped += 1;
  }
  return dropped;
}

async function drop(ledger: Ledger, tx: Transaction, parsed: ParsedKey, sealed: Sealed): Promise<void> {
  const { namespace, name } = parsed;
  const scope = { namespace };
  switch (parsed.table) {
    case 'images':
      return dropImage(tx, scope, name);
    case 'leases':
      return dropLease(ledger, tx, namespace, name);
    case 'content':
      return dropBlob(tx, scope, name as Digest);
    case 'ingests':
      return dropIngest(tx, scope, name, sealed.backend);
    case 'mounts':
      return dropMounts(tx, scope, name, sealed.backend);
    case 'snapshots': {
      const { snapshotter } = parsed;
      const backend = ledger.backends.snapshotters.get(snapshotter);
      if (backend === undefined) return;
      const info = infoOf(fromBinary(InfoSchema, sealed.payload));
      return dropSnapshot(tx, { ledger, scope, snapshotter, backend }, info, sealed.backend);
    }
  }
}
