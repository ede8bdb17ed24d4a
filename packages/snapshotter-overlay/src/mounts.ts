import { join } from 'node:path';
import type { Mount } from '@stowage/core';
import type { StoredSnapshot } from '@stowage/snapshots-store';

/** A snapshot's own files. */
export const upperOf = (directory: string): string => join(directory, 'fs');
/** What overlayfs needs beside them while mounted. */
export const workOf = (directory: string): string => join(directory, 'work');

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
  const [nearest, ...others] = parentIds;
  // Overlayfs wants two layers at least; one alone is bound as it is.
  if (nearest === undefined) return [bind(upperOf(pathOf(id)), active ? 'rw' : 'ro')];
  if (!active && others.length === 0) return [bind(upperOf(pathOf(nearest)), 'ro')];
  const lower = parentIds.map((parent) => upperOf(pathOf(parent))).join(':');
  const upper = active ? [`workdir=${workOf(pathOf(id))}`, `upperdir=${upperOf(pathOf(id))}`] : [];
  return [{ type: 'overlay', source: 'overlay', options: [...upper, `lowerdir=${lower}`, ...options] }];
}

function bind(source: string, access: 'ro' | 'rw'): Mount {
  return { type: 'bind', source, options: [access, 'rbind'] };
}
