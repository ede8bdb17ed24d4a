import type { Logger } from '@stowage/core';
import { listPrefix, rangeOf } from '../database/keys.ts';
import { type Garbage, jsonOf } from '../ledger/intent.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Pieces } from './pieces.ts';
import { deleteBlobs, deleteIngests } from './prune-content.ts';
import { undoMounts } from './prune-mounts.ts';
import { SnapshotPruner } from './prune-snapshots.ts';

/** An entry of the list of garbage. */
export interface Entry<G extends Garbage = Garbage> {
  readonly key: string;
  readonly garbage: G;
}

export type SnapshotGarbage = Extract<Garbage, { kind: 'snapshot' }>;
export type BlobGarbage = Extract<Garbage, { kind: 'blob' }>;
export type MountGarbage = Extract<Garbage, { kind: 'mounts' }>;
export type IngestGarbage = Extract<Garbage, { kind: 'ingest' }>;

const PAGE = 64;

/**
 * Has the backends delete what no record names any more. What can't go now stays on the list. The list is in the order
 * of removal, in which children come before their parents. What went before a crash is asked for again, and not found.
 *
 * @returns how many went.
 */
export async function prune(ledger: Ledger, pieces: Pieces): Promise<number> {
  const snapshots = new SnapshotPruner(ledger);
  let pruned = 0;
  for await (const page of pagesOfGarbage(ledger, Math.min(pieces.size, PAGE))) {
    await pieces.pause();
    // Mounts first: they may be of files that go after them.
    const gone = [
      ...(await undoMounts(
        ledger,
        page.filter((entry): entry is Entry<MountGarbage> => entry.garbage.kind === 'mounts'),
      )),
      ...(await snapshots.remove(
        page.filter((entry): entry is Entry<SnapshotGarbage> => entry.garbage.kind === 'snapshot'),
      )),
      ...(await deleteBlobs(
        ledger,
        page.filter((entry): entry is Entry<BlobGarbage> => entry.garbage.kind === 'blob'),
      )),
      ...(await deleteIngests(
        ledger,
        page.filter((entry): entry is Entry<IngestGarbage> => entry.garbage.kind === 'ingest'),
      )),
    ];
    await pieces.pause();
    if (gone.length === 0) continue;
    await ledger.mutate({}, async (tx) => {
      for (const { key } of gone) tx.delete(key);
    });
    pruned += gone.length;
  }
  await snapshots.cleanup();
  return pruned;
}

/** Says which garbage a backend could not delete, and why. */
export function warn(log: Logger, { garbage }: Entry, err: unknown): void {
  log.warn({ err, garbage }, 'a backend could not delete garbage; it stays for the next time');
}

async function* pagesOfGarbage({ db }: Ledger, size: number): AsyncGenerator<Entry[]> {
  let page: Entry[] = [];
  for await (const [key, { payload }] of db.entries(rangeOf(listPrefix('garbage')))) {
    page.push({ key, garbage: jsonOf<Garbage>(payload) });
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
