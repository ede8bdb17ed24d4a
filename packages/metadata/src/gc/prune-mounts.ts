import type { Ledger } from '../ledger/ledger.ts';
import { isGone } from './gone.ts';
import { type Entry, type MountGarbage, warn } from './prune.ts';

/** Undoes mounts whose records are gone. @returns those that are undone; one in use waits for the next time. */
export async function undoMounts(
  { backends: { mounts }, log }: Ledger,
  entries: ReadonlyArray<Entry<MountGarbage>>,
): Promise<Entry[]> {
  if (mounts === undefined) return [];
  const gone: Entry[] = [];
  for (const entry of entries) {
    try {
      if (await isGone(mounts.deactivate(entry.garbage.key))) gone.push(entry);
    } catch (e) {
      warn(log, entry, e);
    }
  }
  return gone;
}
