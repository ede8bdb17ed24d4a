import { closeSync, readSync } from 'node:fs';
import { openSeen } from './changed.ts';
import type { Attributes, Directory } from './directory.ts';
import { hasXattrs, sameXattrs, type Xattrs } from './xattrs.ts';

const NS = 1_000_000_000n;
const COMPARED_BYTES = 256 * 1024;

/** One of the two things that have the same name. */
export interface Side {
  readonly directory: Directory;
  readonly attributes: Attributes;
  /** Called only if all else is the same. */
  readonly xattrs: () => Xattrs;
}

/**
 * Whether nothing changed from one to the other. Two files of one size and time are taken for the same, unless the times
 * have no fraction of a second: then they may have been cut off by an archive, and the bytes decide.
 *
 * The time of a directory counts as well, which containerd passes over: a layer brings it back.
 *
 * @param path - For messages.
 * @param check - Throws when the work was given up.
 * @see continuity fs/path.go sameFile
 */
export function isSame(path: string, name: string, left: Side, right: Side, check: () => void): boolean {
  const [a, b] = [left.attributes, right.attributes];
  if (a.identity === b.identity) return true;
  if (a.kind !== b.kind || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev)
    return false;
  if (a.mtimeNs !== b.mtimeNs) return false;
  if (a.kind !== 'directory' && a.size !== b.size) return false;
  if (a.kind === 'symlink') return left.directory.target(name) === right.directory.target(name);
  if (hasXattrs(a.kind) && !sameXattrs(left.xattrs(), right.xattrs())) return false;
  if (a.kind !== 'file' || a.size === 0 || a.mtimeNs % NS !== 0n) return true;
  return hasSameBytes(path, name, left.directory, right.directory, check);
}

function hasSameBytes(
  path: string,
  name: string,
  left: Directory,
  right: Directory,
  check: () => void,
): boolean {
  const a = openSeen(path, () => left.openFile(name));
  try {
    const b = openSeen(path, () => right.openFile(name));
    try {
      const [some, other] = [Buffer.alloc(COMPARED_BYTES), Buffer.alloc(COMPARED_BYTES)];
      for (;;) {
        check();
        const size = filled(a, some);
        if (filled(b, other) !== size || some.compare(other, 0, size, 0, size) !== 0) return false;
        if (size < COMPARED_BYTES) return true;
      }
    } finally {
      closeSync(b);
    }
  } finally {
    closeSync(a);
  }
}

/** Reads until the buffer is full or the file ends. */
function filled(fd: number, buffer: Buffer): number {
  let size = 0;
  while (size < buffer.length) {
    const read = readSync(fd, buffer, size, buffer.length - size, null);
    if (read === 0) break;
    size += read;
  }
  return size;
}
