/**
 * Synchronous calls that may wait for a device, a peer or a lock, or that change the thread they run on. For worker
 * threads and helper processes: on a main thread they stop the event loop, on libuv's pool they stop node:fs.
 */

import { O_CREAT, O_NOFOLLOW, O_RDWR } from './constants.ts';
import { checked, uninterrupted } from './errors.ts';
import { close, open } from './fd.ts';
import { type FileLock, heldLock, isStillAt, LOCK_EX, type LOCK_SH } from './file-lock.ts';
import { c } from './libc.ts';
import { cstring, type Path } from './path.ts';

export * from './epoll.ts';
export { receiveMessage, sendMessage } from './message.ts';
export {
  MNT_DETACH,
  MNT_FORCE,
  mount,
  mountAll,
  mountRaw,
  UMOUNT_NOFOLLOW,
  umount,
  umountAll,
  umountTree,
} from './mount.ts';
export { MS, type ParsedOptions, parseMountOptions } from './mount-options.ts';
export { CLONE_FS, CLONE_NEWNS, setns } from './namespace.ts';
export { openat2, openInRoot, RESOLVE } from './openat2.ts';
export { fsyncDir, syncfs } from './sync.ts';

/** Gives this thread its own copy of what CLONE_* names. Never on a main or pool thread. */
export function unshare(flags: number): void {
  checked(c.unshare(flags), 'unshare', 'leave shared', `0x${flags.toString(16)}`);
}

/** Changes the root of every thread that shares this one's CLONE_FS, so unshare that first. */
export function chroot(path: Path): void {
  checked(c.chroot(cstring(path)), 'chroot', 'change root to', path);
}

/** Changes the working directory of every thread that shares this one's CLONE_FS. */
export function chdir(path: Path): void {
  checked(c.chdir(cstring(path)), 'chdir', 'enter', path);
}

/** The same by descriptor, which may be O_PATH. */
export function fchdir(fd: number): void {
  checked(c.fchdir(fd), 'fchdir', 'enter', fd);
}

/** Waits for flock(2) on a descriptor. */
export function flock(fd: number, operation: typeof LOCK_SH | typeof LOCK_EX): void {
  checked(
    uninterrupted(() => c.flock(fd, operation)),
    'flock',
    'lock',
    fd,
  );
}

/** As tryLock of the index, but waits for the holder. */
export function lock(path: Path): FileLock {
  for (;;) {
    const fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    let keep = false;
    try {
      flock(fd, LOCK_EX);
      keep = isStillAt(fd, path);
      if (keep) return heldLock(fd);
    } finally {
      if (!keep) close(fd);
    }
  }
}
