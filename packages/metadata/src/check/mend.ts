import { randomUUID } from 'node:crypto';
import type { CallOptions } from '@stowage/core';
import { isIntact, seal } from '../database/frame.ts';
import { LOG_START_KEY, listKey, listPrefix, META_KEY, rangeOf } from '../database/keys.ts';
import { type Mark, SCHEMA } from '../database/mark.ts';
import { rawStore, type Store } from '../database/store.ts';
import { type BackendSources, identityOf } from './offline.ts';
import { Records } from './records.ts';

export interface Mended {
  readonly actions: readonly string[];
  readonly uuid: string;
  readonly seq: bigint;
}

/** More mutations than can have been lost: their numbers are in names that are never used again. */
const SKIPPED = 1n << 20n;
const AT_ONCE = 500;

type Change = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

/**
 * Makes a store whole that LevelDB opens: drops what fails its checksum, what contradicts the disk and edges that lead
 * nowhere, makes back edges anew, and begins a new log.
 */
export async function mend(
  store: Store,
  mark: Mark | undefined,
  { content, snapshotters }: BackendSources,
  options: CallOptions,
): Promise<Mended> {
  const actions: string[] = [];
  const records = new Records();
  const identity = await identityOf(store);
  const broken: string[] = [];
  for await (const page of rawStore(store).pages()) {
    for (const [key, value] of page) {
      if (isIntact(key, value)) records.add(key, value);
      else broken.push(key);
    }
  }
  const changes: Change[] = [];
  const drop = (key: string, why: string) => {
    changes.push({ type: 'del', key });
    actions.push(`dropped ${key}: ${why}`);
  };
  for (const key of broken) drop(key, 'its value did not match its checksum');
  if (content !== undefined) {
    for (const [key, { digest, sizeBytes }] of records.blobs) {
      const size = await content.sizeOf(digest, options);
      if (size === sizeBytes || records.unfinished.has(key)) continue;
      records.blobs.delete(key);
      drop(key, size === undefined ? 'its bytes are gone' : `it has ${size} bytes instead of ${sizeBytes}`);
    }
  }
  for (const key of await goneSnapshots(records, snapshotters, options)) {
    records.snapshots.delete(key);
    drop(key, 'its snapshotter does not have it');
  }
  for (const [edge, child] of records.edges)
    if (records.snapshots.get(child)?.edge !== edge) drop(edge, 'its child is not there');
  for (const [key, { edge }] of records.snapshots) {
    if (edge === undefined || records.edges.has(edge)) continue;
    changes.push({ type: 'put', key: edge, value: seal(edge, new Uint8Array()) });
    actions.push(`made the back edge to ${key} again`);
  }
  for (const [key, lease] of records.held)
    if (!records.leases.has(lease)) drop(key, 'its lease is not there');
  await writeAll(store, changes);

  const uuid = mark?.uuid ?? identity.uuid ?? randomUUID();
  const last = [mark?.seq ?? 0n, identity.seq].reduce((a, b) => (a > b ? a : b));
  const seq = last + SKIPPED;
  await store.clear(rangeOf(listPrefix('log')));
  const begun = listKey('log', seq);
  const meta = Buffer.from(JSON.stringify({ uuid, schema: SCHEMA }));
  await writeAll(store, [
    { type: 'put', key: META_KEY, value: seal(META_KEY, meta) },
    { type: 'put', key: LOG_START_KEY, value: seal(LOG_START_KEY, Buffer.from(seq.toString())) },
    { type: 'put', key: begun, value: seal(begun, new Uint8Array()) },
  ]);
  actions.push(`the log goes on with number ${seq}; what it held before is in the old database`);
  return { actions, uuid, seq };
}

/** Those that their snapshotter does not have. What is based on them stays, and is found by a check: it may hold work. */
async function goneSnapshots(
  { snapshots, unfinished }: Records,
  snapshotters: BackendSources['snapshotters'],
  options: CallOptions,
): Promise<readonly string[]> {
  const gone: string[] = [];
  for (const [key, { snapshotter, backend }] of snapshots) {
    const source = snapshotters.get(snapshotter);
    if (source !== undefined && !unfinished.has(key) && !(await source.has(backend, options))) gone.push(key);
  }
  return gone;
}

/** Writes any number of changes, some at a time. */
export async function writeAll(store: Store, changes: readonly Change[]): Promise<void> {
  for (let at = 0; at < changes.length; at += AT_ONCE)
    await store.batch(changes.slice(at, at + AT_ONCE), { sync: true });
}
