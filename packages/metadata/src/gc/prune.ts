import { type Digest, Fault } from '@stowage/core';
import { blobLock, listPrefix, NAMESPACES, objectKey, rangeOf } from '../database/keys.ts';
import { type Garbage, jsonOf } from '../ledger/intent.ts';
import type { Ledger } from '../ledger/ledger.ts';

/**
 * Has the backends delete what no record names any more. What can't go now stays on the list. The list is in the order
 * of removal, in which children come before their parents. @returns how many went.
 */
export async function prune(ledger: Ledger): Promise<number> {
  let pruned = 0;
  const cleaned = new Set<string>();
  for await (const [key, { payload }] of ledger.db.entries(rangeOf(listPrefix('garbage')))) {
    const garbage = jsonOf<Garbage>(payload);
    try {
      if (!(await deleted(ledger, garbage))) continue;
      await ledger.mutate({}, async (tx) => tx.delete(key));
      pruned += 1;
      if (garbage.kind === 'snapshot') cleaned.add(garbage.snapshotter);
    } catch (e) {
      ledger.log.warn({ err: e, garbage }, 'a backend could not delete garbage; it stays for the next time');
    }
  }
  for (const name of cleaned) await cleanup(ledger, name);
  return pruned;
}

/** @returns whether it is gone, or never was. */
async function deleted(ledger: Ledger, garbage: Garbage): Promise<boolean> {
  const { content, snapshotters } = ledger.backends;
  switch (garbage.kind) {
    case 'snapshot': {
      const snapshotter = snapshotters.get(garbage.snapshotter);
      return snapshotter !== undefined && (await gone(snapshotter.remove(garbage.key)));
    }
    case 'ingest':
      return content !== undefined && (await gone(content.abort(garbage.ref)));
    case 'blob': {
      if (content === undefined) return false;
      // Whoever is about to make it visible somewhere holds this, and will or will not have a record afterwards.
      using lock = ledger.locks.tryExclusive(blobLock(garbage.digest));
      if (lock === undefined) return false;
      if (await hasRecord(ledger, garbage.digest)) return true;
      return gone(content.delete(garbage.digest));
    }
  }
}

async function hasRecord({ db }: Ledger, digest: Digest): Promise<boolean> {
  for await (const [key] of db.entries(rangeOf(NAMESPACES)))
    if (await db.has(objectKey(key.slice(NAMESPACES.length), 'content', digest))) return true;
  return false;
}

/** A backend that refuses for now (children, an open writer) is asked again next time. */
async function gone(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (e) {
    if (Fault.is(e, 'not_found')) return true;
    if (Fault.is(e, 'failed_precondition') || Fault.is(e, 'unavailable')) return false;
    throw e;
  }
}

async function cleanup({ backends, log }: Ledger, name: string): Promise<void> {
  try {
    await backends.snapshotters.get(name)?.cleanup();
  } catch (e) {
    if (!Fault.is(e, 'unimplemented'))
      log.warn({ err: e, snapshotter: name }, 'a snapshotter could not clean up');
  }
}
