import { Fault } from '@stowage/core';
import type { Ledger } from '../ledger/ledger.ts';
import { isGone } from './gone.ts';
import { type Entry, type SnapshotGarbage, warn } from './prune.ts';

/**
 * Removes snapshots from their backends, one after the other. Where that fails, the branch down to the root is left
 * alone until the next time (containerd core/metadata/snapshot.go, pruneBranch).
 */
export class SnapshotPruner {
  readonly #ledger: Ledger;
  readonly #changed = new Set<string>();
  /** Names in the backend, by snapshotter, of what is below something that could not be removed. */
  readonly #blocked = new Map<string, Set<string>>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** @param entries - children before their parents. @returns those that are gone. */
  async remove(entries: ReadonlyArray<Entry<SnapshotGarbage>>): Promise<Entry[]> {
    const gone: Entry[] = [];
    for (const entry of entries) {
      const { snapshotter, key } = entry.garbage;
      const backend = this.#ledger.backends.snapshotters.get(snapshotter);
      if (backend === undefined) continue;
      if (this.#blocked.get(snapshotter)?.has(key)) {
        await this.#blockBelow(snapshotter, key);
        continue;
      }
      try {
        if (!(await isGone(backend.remove(key)))) continue;
        gone.push(entry);
        this.#changed.add(snapshotter);
      } catch (e) {
        warn(this.#ledger.log, entry, e);
        await this.#blockBelow(snapshotter, key);
      }
    }
    return gone;
  }

  /** Has each snapshotter that removed something delete what it left for later. */
  async cleanup(): Promise<void> {
    const { backends, log } = this.#ledger;
    for (const name of this.#changed) {
      try {
        await backends.snapshotters.get(name)?.cleanup();
      } catch (e) {
        if (!Fault.is(e, 'unimplemented'))
          log.warn({ err: e, snapshotter: name }, 'a snapshotter could not clean up');
      }
    }
  }

  async #blockBelow(snapshotter: string, key: string): Promise<void> {
    try {
      const stat = await this.#ledger.backends.snapshotters.get(snapshotter)?.stat(key);
      const blocked = this.#blocked.get(snapshotter) ?? new Set();
      this.#blocked.set(snapshotter, blocked);
      if (stat !== undefined && stat.parent !== '') blocked.add(stat.parent);
    } catch (e) {
      // Then the backend itself has to refuse what still has children.
      this.#ledger.log.debug({ err: e, snapshotter, key }, 'the parent of a snapshot is not known');
    }
  }
}
