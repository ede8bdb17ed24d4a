import { LABEL, type Mount } from '@stowage/core';
import type { StoredSnapshot } from '@stowage/snapshots-store';
import { remapOf } from './remap.ts';

/** A snapshot's own files. */
export const upperOf = (directory: string): string => `${directory}/fs`;
/** What overlayfs needs beside them while mounted. */
export const workOf = (directory: string): string => `${directory}/work`;

/**
 * How to mount a snapshot, option for option as containerd does it, since clients read layers off the options
 * (containerd plugins/snapshots/overlay mounts).
 *
 * @param pathOf - The directory of an id.
 * @param options - For overlays, after the layers.
 */
export function mountsOf(
  { id, parentIds, info }: StoredSnapshot,
  pathOf: (id: number) => string,
  options: readonly string[],
): Mount[] {
  const active = info.kind === 'active';
  const remap = remapOf(info.labels)?.options ?? [];
  const [nearest, ...others] = parentIds;
  // Overlayfs wants two layers at least; one alone is bound as it is.
  if (nearest === undefined) return [bind(upperOf(pathOf(id)), active ? 'rw' : 'ro', remap)];
  if (!active && others.length === 0) return [bind(upperOf(pathOf(nearest)), 'ro', remap)];
  const lower = parentIds.map((parent) => upperOf(pathOf(parent))).join(':');
  const upper = active ? [`workdir=${workOf(pathOf(id))}`, `upperdir=${upperOf(pathOf(id))}`] : [];
  const more = options.filter((option) => option !== 'volatile' || isTemporary(info.labels, active));
  const all = [...remap, ...upper, `lowerdir=${lower}`, ...more];
  return [{ type: 'overlay', source: 'overlay', options: all }];
}

/**
 * Whether a snapshot is mounted for unpacking only. With `volatile` overlayfs syncs nothing, which is safe there, as the
 * commit does. It also refuses to be mounted a second time, which a container's root must bear, and a view has nothing
 * to sync.
 */
function isTemporary(labels: StoredSnapshot['info']['labels'], active: boolean): boolean {
  return active && labels[LABEL.snapshotRef] !== undefined;
}

function bind(source: string, access: 'ro' | 'rw', remap: readonly string[]): Mount {
  return { type: 'bind', source, options: [...remap, access, 'rbind'] };
}
