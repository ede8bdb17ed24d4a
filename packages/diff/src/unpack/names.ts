import { lstatSync, type Stats } from 'node:fs';
import { hasCode } from '@stowage/linux';
import { malformed } from '../tar/malformed.ts';

/**
 * A name of an archive as a path from the layer's root: `/a/b`, the root itself `/`. Absolute names, `.`, `..` and
 * repeated slashes come out as they would in a chroot, without a look at links (as Go's filepath.Clean, and so
 * containerd, has it).
 *
 * @throws Fault `invalid_argument` for a name with a NUL.
 */
export function rooted(name: string): string {
  if (name.includes('\0')) throw malformed('a name has a NUL');
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The directory and the last part of a rooted path other than `/`. */
export function split(path: string): { parent: string; base: string } {
  const slash = path.lastIndexOf('/');
  return { parent: slash === 0 ? '/' : path.slice(0, slash), base: path.slice(slash + 1) };
}

export const join = (parent: string, base: string): string =>
  parent === '/' ? `/${base}` : `${parent}/${base}`;

/**
 * The kernel takes paths of 4095 bytes. Whoever looks at the tree from outside, to remove it for example, has the path
 * to the tree in front.
 */
const MOST_PATH_BYTES = 4095 - 256;

/** A path in a real directory. @throws Fault `invalid_argument` for one that nobody outside could use. */
export function placeIn(directory: string, base: string): string {
  const place = join(directory, base);
  if (place.length > MOST_PATH_BYTES) throw malformed(`a path longer than ${MOST_PATH_BYTES} bytes`);
  return place;
}

/** What the kernel gets: the bytes of a latin1 name. */
export function bytesOf(path: string): string | Buffer {
  for (let i = 0; i < path.length; i++) if (path.charCodeAt(i) > 127) return Buffer.from(path, 'latin1');
  return path;
}

/** What is at a path, not followed; undefined for nothing, also where something on the way is no directory any more. */
export function statsAt(path: string): Stats | undefined {
  try {
    return lstatSync(bytesOf(path), { throwIfNoEntry: false });
  } catch (e) {
    if (hasCode(e, 'ENOTDIR')) return undefined;
    throw e;
  }
}

/** What an entry's last part asks for (image-spec layer.md, "Whiteouts"). */
export type Whiteout = { readonly opaque: true } | { readonly removed: string };

/** @throws Fault `invalid_argument` for one that would remove its own directory or what is above. */
export function whiteoutOf(base: string): Whiteout | undefined {
  if (!base.startsWith('.wh.')) return undefined;
  if (base === '.wh..wh..opq') return { opaque: true };
  const removed = base.slice('.wh.'.length);
  if (removed === '' || removed === '.' || removed === '..')
    throw malformed('a whiteout of a directory by itself');
  return { removed };
}
