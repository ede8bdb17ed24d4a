import type { CallOptions, Digest } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { listPrefix, OBJECTS, parseKey, rangeOf } from '../database/keys.ts';
import { type Garbage, jsonOf, type StoredIntent } from '../ledger/intent.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Pieces } from './pieces.ts';

/** A name that metadata gave: `<namespace>/<number>/<key>`. */
const OURS = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*\/\d+\//;

/** What backends have; of each only what no record is known to name yet. */
interface Found {
  readonly blobs: Set<Digest>;
  readonly ingests: Set<string>;
  readonly mounts: Set<string>;
  /** By snapshotter: parents by name. */
  readonly snapshots: Map<string, Map<string, string>>;
}

/**
 * Puts on the list of garbage what backends have and nothing names: no record, no unfinished change, no garbage.
 * Metadata is the only owner of its backends, so what is unknown to it is left over: from a crash whose intent was lost,
 * or from a database that was put back from a copy.
 *
 * Backends are listed first, and then what is known, in the order in which a name passes on: from an intent to a record,
 * from a record to the garbage. A name is written down before the backend hears of it, and none is given twice. So a
 * name that was listed and is in none of them has passed through all, and comes back no more. A blob may come back;
 * whoever deletes it looks once more, with its lock.
 *
 * Names that are not of our form stay: remote snapshotters give such names to what they have without being asked, and
 * hand it out for the next snapshot that is prepared.
 *
 * @returns how many were put there.
 */
export async function discardOrphans(ledger: Ledger, pieces: Pieces): Promise<number> {
  const found = await listed(ledger, pieces);
  await forgetKnown(ledger, found, pieces);
  const garbage: Garbage[] = [];
  for (const [snapshotter, parents] of found.snapshots)
    for (const key of childrenFirst(parents)) garbage.push({ kind: 'snapshot', snapshotter, key });
  for (const digest of found.blobs) garbage.push({ kind: 'blob', digest });
  for (const ref of found.ingests) garbage.push({ kind: 'ingest', ref });
  for (const key of found.mounts) garbage.push({ kind: 'mounts', key });
  for (let at = 0; at < garbage.length; at += pieces.size) {
    await pieces.pause();
    await ledger.mutate({}, async (tx) => {
      for (const one of garbage.slice(at, at + pieces.size)) tx.discard(one);
    });
  }
  if (garbage.length > 0)
    ledger.log.warn(
      { count: garbage.length, first: garbage[0] },
      'backends have what no record names; it goes',
    );
  return garbage.length;
}

/**
 * Looks in a snapshotter that is no backend yet for what {@link discardOrphans} would delete if it were the one of this
 * name. Most likely that is of another daemon.
 *
 * @returns how many there are, and one of them; undefined if there are none.
 */
export async function unknownSnapshots(
  ledger: Ledger,
  name: string,
  snapshotter: Snapshotter,
  options: CallOptions,
): Promise<{ readonly count: number; readonly first: string } | undefined> {
  const names = new Map<string, string>();
  for await (const { name: key, parent } of snapshotter.list([], options))
    if (OURS.test(key)) names.set(key, parent);
  if (names.size > 0) {
    const found: Found = { ...nothing(), snapshots: new Map([[name, names]]) };
    await forgetKnown(ledger, found, new Pieces({}));
  }
  const [first] = names.keys();
  return first === undefined ? undefined : { count: names.size, first };
}

function nothing(): Found {
  return { blobs: new Set(), ingests: new Set(), mounts: new Set(), snapshots: new Map() };
}

async function listed({ backends, log }: Ledger, pieces: Pieces): Promise<Found> {
  const found = nothing();
  const { content, mounts } = backends;
  const list = async <T>(items: AsyncIterable<T>, backend: string, add: (item: T) => void): Promise<void> => {
    try {
      for await (const item of items) {
        await pieces.step();
        add(item);
      }
    } catch (e) {
      log.warn({ err: e, backend }, 'a backend can not be searched for what nothing names');
    }
  };
  if (content !== undefined) {
    await list(content.list(), 'content', ({ digest }) => found.blobs.add(digest));
    await list(content.statuses(), 'ingests', ({ ref }) => {
      if (OURS.test(ref)) found.ingests.add(ref);
    });
  }
  if (mounts !== undefined)
    await list(mounts.list(), 'mounts', ({ name }) => {
      if (OURS.test(name)) found.mounts.add(name);
    });
  for (const [name, snapshotter] of backends.snapshotters) {
    const parents = new Map<string, string>();
    await list(snapshotter.list(), name, ({ name: key, parent }) => {
      if (OURS.test(key)) parents.set(key, parent);
    });
    found.snapshots.set(name, parents);
  }
  return found;
}

async function forgetKnown({ db }: Ledger, found: Found, pieces: Pieces): Promise<void> {
  const { blobs, ingests, mounts, snapshots } = found;
  for await (const [, { payload }] of db.entries(rangeOf(listPrefix('intent')))) {
    const { intent } = jsonOf<StoredIntent>(payload);
    if (intent.act === 'make-blob') blobs.delete(intent.digest);
    else if (intent.act === 'make-mounts') mounts.delete(intent.key);
    else
      snapshots.get(intent.snapshotter)?.delete(intent.act === 'commit-snapshot' ? intent.name : intent.key);
  }
  for await (const [key, { backend }] of db.entries(OBJECTS)) {
    await pieces.step();
    const parsed = parseKey(key);
    if (parsed?.table === 'content') blobs.delete(parsed.name as Digest);
    else if (parsed?.table === 'ingests') ingests.delete(backend);
    else if (parsed?.table === 'mounts') mounts.delete(backend);
    else if (parsed?.table === 'snapshots') snapshots.get(parsed.snapshotter)?.delete(backend);
  }
  for await (const [, { payload }] of db.entries(rangeOf(listPrefix('garbage')))) {
    await pieces.step();
    const garbage = jsonOf<Garbage>(payload);
    if (garbage.kind === 'blob') blobs.delete(garbage.digest);
    else if (garbage.kind === 'ingest') ingests.delete(garbage.ref);
    else if (garbage.kind === 'mounts') mounts.delete(garbage.key);
    else snapshots.get(garbage.snapshotter)?.delete(garbage.key);
  }
}

/** Names in an order in which each comes before its parent. */
function childrenFirst(parents: ReadonlyMap<string, string>): string[] {
  const depths = new Map<string, number>();
  const depthOf = (name: string): number => {
    const chain: string[] = [];
    for (let at: string | undefined = name; at !== undefined && !depths.has(at); at = parents.get(at))
      chain.push(at);
    for (const one of chain.reverse()) depths.set(one, (depths.get(parents.get(one) ?? '') ?? 0) + 1);
    return depths.get(name) ?? 0;
  };
  return [...parents.keys()].sort((a, b) => depthOf(b) - depthOf(a));
}
