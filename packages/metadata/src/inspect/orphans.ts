import type { CallOptions } from '@stowage/core';
import type { ObjectId, Orphan } from '@stowage/gc';
import { listPrefix, objectKey, rangeOf, snapshotKey } from '../database/keys.ts';
import { jsonOf, type StoredIntent } from '../ledger/intent.ts';
import type { Ledger } from '../ledger/ledger.ts';
import {
  backendKey,
  bytesInBackend,
  type InBackend,
  inBackend,
  isInBackend,
  listBackends,
} from './backends.ts';
import { leftoversIn, objectsIn } from './facts.ts';

/**
 * Compares what backends list with what records name.
 *
 * Backends are listed first, and then what is known, in the order in which a name passes on: from an intent to a record,
 * from a record to the list of garbage. What was listed and is in none of them is nobody's, unless the second look tells
 * that it has been deleted meanwhile.
 */
export async function* orphansIn(ledger: Ledger, options: CallOptions): AsyncGenerator<Orphan> {
  const { backends } = ledger;
  const listed = new Map<string, InBackend>();
  for await (const one of listBackends(backends, options)) listed.set(backendKey(one), one);
  const names = await intendedIn(ledger);
  const unlisted: Array<readonly [ObjectId, InBackend]> = [];
  for await (const fact of objectsIn(ledger, undefined, options)) {
    const one = fact.fact === 'object' ? inBackend(fact.id, fact.handle ?? '') : undefined;
    if (fact.fact !== 'object' || one === undefined) continue;
    const key = backendKey(one);
    names.add(key);
    // Nobody need have written to an ingest yet.
    if (one.kind !== 'ingests' && !listed.has(key)) unlisted.push([fact.id, one]);
  }
  for await (const leftover of leftoversIn(ledger, options)) names.add(backendKey(leftover));
  for (const [key, one] of listed) {
    if (names.has(key) || (await isInBackend(backends, one, options)) !== true) continue;
    const { kind, snapshotter, handle } = one;
    const object = { namespace: '', kind, snapshotter, name: handle };
    yield { problem: 'unrecorded', object, sizeBytes: await bytesInBackend(backends, one, options) };
  }
  for (const [object, one] of unlisted)
    if (await isMissing(ledger, object, one, options)) yield { problem: 'missing', object };
}

/** What unfinished changes are about to make. */
async function intendedIn({ db }: Ledger): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const [, { payload }] of db.entries(rangeOf(listPrefix('intent')))) {
    const { intent } = jsonOf<StoredIntent>(payload);
    if (intent.act === 'make-blob')
      keys.add(backendKey({ kind: 'content', snapshotter: '', handle: intent.digest }));
    else if (intent.act !== 'make-mounts') {
      const { snapshotter } = intent;
      const handle = intent.act === 'commit-snapshot' ? intent.name : intent.key;
      keys.add(backendKey({ kind: 'snapshots', snapshotter, handle }));
    }
  }
  return keys;
}

/** Looks again while nobody can change the object: what is being committed has another name for a moment. */
async function isMissing(
  { db, locks, backends }: Ledger,
  { namespace, kind, snapshotter, name }: ObjectId,
  one: InBackend,
  { signal }: CallOptions,
): Promise<boolean> {
  const key =
    kind === 'snapshots' ? snapshotKey(namespace, snapshotter, name) : objectKey(namespace, 'content', name);
  using _held = await locks.acquire({ shared: [key] }, signal);
  const sealed = await db.get(key);
  if (sealed === undefined || (kind === 'snapshots' && sealed.backend !== one.handle)) return false;
  return (await isInBackend(backends, one, { signal })) === false;
}
