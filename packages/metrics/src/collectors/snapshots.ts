import { Fault } from '@stowage/core';
import type { SnapshotKind, Snapshotter } from '@stowage/snapshots';
import type { Collector } from '../collector.ts';
import type { Sample } from '../exposition.ts';

const KINDS: readonly SnapshotKind[] = ['active', 'committed', 'view'];

/**
 * Snapshots of all namespaces, by snapshotter. One that can't be reached has no series.
 *
 * @param snapshotters - asked for at each collection.
 */
export function snapshotsCollector(snapshotters: ReadonlyMap<string, Snapshotter>): Collector {
  return {
    name: 'snapshots',
    async collect(options) {
      const counted = await Promise.allSettled(
        [...snapshotters].map(async ([name, snapshotter]) => {
          const counts = new Map(KINDS.map((kind) => [kind, 0]));
          for await (const { kind } of snapshotter.list([], options))
            counts.set(kind, (counts.get(kind) ?? 0) + 1);
          return [...counts].map(([kind, value]): Sample => ({ labels: { snapshotter: name, kind }, value }));
        }),
      );
      options.signal?.throwIfAborted();
      const samples = counted.flatMap((one) => {
        if (one.status === 'fulfilled') return one.value;
        if (!Fault.is(one.reason)) throw one.reason;
        return [];
      });
      return [
        { name: 'stowage_snapshots', help: 'Snapshots by snapshotter and kind.', type: 'gauge', samples },
      ];
    },
  };
}
