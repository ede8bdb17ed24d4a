import { storeFor } from '@stowage/content';
import type { Digest } from '@stowage/core';
import { blobLock, NAMESPACES, objectKey, rangeOf } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { HeldLocks } from '../ledger/locks.ts';
import { isGone } from './gone.ts';
import { type BlobGarbage, type Entry, type IngestGarbage, warn } from './prune.ts';

/** Files that are deleted at once: fewer than libuv has threads, or nobody else could open one meanwhile. */
const WIDTH = 2;

/** Deletes the bytes of blobs that no namespace has. @returns entries that are done with. */
export async function deleteBlobs(
  ledger: Ledger,
  entries: ReadonlyArray<Entry<BlobGarbage>>,
): Promise<Entry[]> {
  const { content } = ledger.backends;
  if (content === undefined || entries.length === 0) return [];
  using locks = new HeldLocks();
  const done: Entry[] = [];
  const own: Array<Entry<BlobGarbage>> = [];
  const locked = new Set<Digest>();
  for (const entry of entries) {
    const { digest } = entry.garbage;
    // Whoever is about to make it visible somewhere holds this, and will or will not have a record afterwards.
    if (!locked.has(digest)) {
      const lock = ledger.locks.tryExclusive(blobLock(digest));
      if (lock === undefined) continue;
      locks.add(lock);
      locked.add(digest);
    }
    own.push(entry);
  }
  const recorded = await recordedOf(ledger, locked);
  await inParallel(ledger, own, done, async ({ garbage: { digest, namespace = '' } }) =>
    recorded.has(digest) ? true : isGone(storeFor(content, namespace).delete(digest)),
  );
  return done;
}

/** Deletes the bytes of ingests. @returns entries that are done with. */
export async function deleteIngests(
  ledger: Ledger,
  entries: ReadonlyArray<Entry<IngestGarbage>>,
): Promise<Entry[]> {
  const { content } = ledger.backends;
  const done: Entry[] = [];
  if (content === undefined) return done;
  await inParallel(ledger, entries, done, ({ garbage: { ref } }) => isGone(content.abort(ref)));
  return done;
}

/** Those that some namespace has. Their locks must be held, or one may get another right after. */
async function recordedOf({ db }: Ledger, digests: ReadonlySet<Digest>): Promise<ReadonlySet<Digest>> {
  const recorded = new Set<Digest>();
  const all = [...digests];
  for await (const [key] of db.entries(rangeOf(NAMESPACES))) {
    const namespace = key.slice(NAMESPACES.length);
    const there = await db.hasMany(all.map((digest) => objectKey(namespace, 'content', digest)));
    for (const [i, digest] of all.entries()) if (there[i]) recorded.add(digest);
  }
  return recorded;
}

async function inParallel<E extends Entry>(
  { log }: Ledger,
  entries: readonly E[],
  done: Entry[],
  deleted: (entry: E) => Promise<boolean>,
): Promise<void> {
  const left = [...entries].reverse();
  const work = async (): Promise<void> => {
    for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
      try {
        if (await deleted(entry)) done.push(entry);
      } catch (e) {
        warn(log, entry, e);
      }
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
}
