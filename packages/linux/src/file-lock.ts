import { fstatSync, statSync } from 'node:fs';
import { O_CREAT, O_NOFOLLOW, O_RDWR } from './constants.ts';
import { hasCode, systemError } from './errors.ts';
import { close, open } from './fd.ts';
import { c, lastErrno } from './libc.ts';
import type { Path } from './path.ts';

export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;
const EAGAIN = 11;

/** A lock that is held until disposed, or until this process and all who hold a dup of `fd` are gone. */
export interface FileLock extends Disposable {
  readonly fd: number;
}

/**
 * Takes an exclusive flock(2) on a file, made with mode 0600 if absent. Undefined if another holds it.
 *
 * The file under the path is the locked one when this returns: a file that was replaced meanwhile is tried again.
 * Never remove a lock file.
 */
export function tryLock(path: Path): FileLock | undefined {
  for (;;) {
    const fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    let keep = false;
    try {
      if (!tryFlock(fd, LOCK_EX)) return undefined;
      keep = isStillAt(fd, path);
      if (keep) return heldLock(fd);
    } finally {
      if (!keep) close(fd);
    }
  }
}

/** flock(2) on a descriptor, without waiting. False if another holds it. */
export function tryFlock(fd: number, operation: typeof LOCK_SH | typeof LOCK_EX): boolean {
  if (c.flock(fd, operation | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (errno === EAGAIN) return false;
  throw systemError(errno, 'flock', 'lock', fd);
}

/** Wraps a descriptor whose lock is held. Closing it is what unlocks. */
export function heldLock(fd: number): FileLock {
  let open = true;
  return {
    fd,
    [Symbol.dispose]() {
      if (open) close(fd);
      open = false;
    },
  };
}

export function isStillAt(fd: number, path: Path): boolean {
  const held = fstatSync(fd, { bigint: true });
  try {
    const there = statSync(typeof path === 'string' ? path : Buffer.from(path), { bigint: true });
    return held.ino === there.ino && held.dev === there.dev;
  } catch (e) {
    if (hasCode(e, 'ENOENT')) return false;
    throw e;
  }
}
