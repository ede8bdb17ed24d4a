import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LABEL, type Labels, reasonOf } from '@stowage/core';
import { type Key, keyOf } from '../model/keys.ts';
import type { Snapshot, Thing } from '../model/thing.ts';
import { layersOf, treeDamage, upperOf } from '../model/tree.ts';
import { type Services, SNAPSHOTTERS } from '../services.ts';
import type { Violation } from './violation.ts';

export interface SnapshotReport {
  readonly violations: readonly Violation[];
  /** Active snapshots that lack files which were put into them: nobody promised to keep those. */
  readonly unfilled: ReadonlySet<Key>;
}

/** So that a view stays until it was looked through. */
const HELD: Labels = { [LABEL.gcRoot]: '2020-01-01T00:00:00Z' };

/**
 * Looks through views of committed snapshots at every file that was put into them and the snapshots below. The views are
 * gone afterwards.
 *
 * @param things - with the seeds of their files.
 */
export async function inspectSnapshots(
  services: (namespace: string) => Services,
  things: readonly Snapshot[],
): Promise<SnapshotReport> {
  const violations: Violation[] = [];
  const unfilled = new Set<Key>();
  const parents = new Set(things.filter((one) => one.state === 'committed').map(parentKey));
  const byKey = new Map(things.map((thing) => [keyOf(thing), thing]));
  for (const thing of things) {
    const { namespace, snapshotter, name, seed } = thing;
    const snapshots = services(namespace).snapshotter(snapshotter);
    try {
      if (thing.state === 'active') {
        if (seed === undefined) continue;
        const damage = await treeDamage([upperOf(await snapshots.mounts(name))], seed);
        if (damage !== undefined) unfilled.add(keyOf(thing));
      } else if (thing.state === 'committed' && !parents.has(keyOf(thing))) {
        const view = `view-of-${name}`;
        const layers = layersOf(await snapshots.view(view, name, { labels: HELD }));
        for (const one of chain(byKey, thing)) {
          const damage = one.seed === undefined ? undefined : await treeDamage(layers, one.seed);
          if (damage !== undefined) violations.push({ rule: 'torn', message: `${keyOf(one)}: ${damage}` });
        }
        await snapshots.remove(view);
      }
    } catch (e) {
      violations.push({ rule: 'dangling', message: `${keyOf(thing)}: can't be read: ${reasonOf(e)}` });
    }
  }
  return { violations, unfilled };
}

/** Directories of snapshots that no record names. */
export async function snapshotLeaks(root: string, found: ReadonlyMap<Key, Thing>): Promise<string[]> {
  const leaks: string[] = [];
  for (const snapshotter of SNAPSHOTTERS) {
    const dir = join(root, `io.containerd.snapshotter.v1.${snapshotter}`, 'snapshots');
    const directories = await readdir(dir);
    const told = [...found.values()].filter(
      (thing) => thing.kind === 'snapshot' && thing.snapshotter === snapshotter,
    ).length;
    if (directories.length !== told)
      leaks.push(
        `${snapshotter}: ${directories.length} directories for ${told} snapshots: ${directories.join(' ')}`,
      );
  }
  return leaks;
}

const parentKey = (snapshot: Snapshot): Key => keyOf({ ...snapshot, name: snapshot.parent });

function* chain(byKey: ReadonlyMap<Key, Snapshot>, leaf: Snapshot): Iterable<Snapshot> {
  for (let at: Snapshot | undefined = leaf; at !== undefined; at = byKey.get(parentKey(at))) yield at;
}
