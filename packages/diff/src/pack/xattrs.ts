import { getXattr, hasCode, listXattrs } from '@stowage/linux';
import type { Directory, Kind } from './directory.ts';

export type Xattrs = ReadonlyMap<string, Uint8Array>;

const NONE: Xattrs = new Map();

/** Kinds that can have any of those that a layer keeps (xattr(7)). */
export const hasXattrs = (kind: Kind): boolean => kind === 'file' || kind === 'directory';

/** What overlayfs notes in extended attributes of an upper directory: `trusted.overlay.` or `user.overlay.`. */
export type OverlayPrefix = `${'trusted' | 'user'}.overlay.`;

/** An upper directory cannot be read without its overlay: parts of it are elsewhere. */
export class NotPlain extends Error {
  override readonly name = 'NotPlain';
}

/** Notes of overlayfs that say nothing about what the overlay shows. */
const HARMLESS = new Set(['origin', 'impure', 'uuid']);

/**
 * The extended attributes that belong to a layer, by name: capabilities of files and `user.*`. The others are the
 * machine's (labels of security modules) or overlayfs's own.
 */
export function layerXattrs(directory: Directory, name: string): Xattrs {
  return chosen(directory, name, listed(directory, name));
}

/**
 * The same, of something in the upper directory of an overlay.
 *
 * @returns also whether it is a directory that hides the ones below it.
 * @throws NotPlain
 */
export function upperXattrs(
  directory: Directory,
  name: string,
  prefix: OverlayPrefix,
): { xattrs: Xattrs; isOpaque: boolean } {
  const names = listed(directory, name);
  let isOpaque = false;
  for (const key of names) {
    if (!key.startsWith(prefix) || HARMLESS.has(key.slice(prefix.length))) continue;
    if (key !== `${prefix}opaque` || getXattr(directory.path(name), key).toString('latin1') !== 'y') {
      throw new NotPlain(key);
    }
    isOpaque = true;
  }
  return { xattrs: chosen(directory, name, names), isOpaque };
}

function listed(directory: Directory, name: string): readonly string[] {
  try {
    return listXattrs(directory.path(name));
  } catch (e) {
    if (hasCode(e, 'EOPNOTSUPP', 'ENOTSUP')) return [];
    throw e;
  }
}

function chosen(directory: Directory, name: string, names: readonly string[]): Xattrs {
  const wanted = names.filter(isLayers).sort();
  if (wanted.length === 0) return NONE;
  return new Map(
    wanted.map((key) => [Buffer.from(key).toString('latin1'), getXattr(directory.path(name), key)]),
  );
}

const isLayers = (key: string): boolean =>
  key === 'security.capability' || (key.startsWith('user.') && !key.startsWith('user.overlay.'));

export function sameXattrs(a: Xattrs, b: Xattrs): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}
