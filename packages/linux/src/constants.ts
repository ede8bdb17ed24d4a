import { constants } from 'node:fs';

/** Open flags that node:fs lacks; the same on x64 and arm64. */
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
/** Open flags whose numbers differ by architecture come from Node. */
export const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW } = constants;

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EMPTY_PATH = 0x1000;

const isX64 = process.arch === 'x64';

/** System calls that glibc 2.28 has no function for. From 424 on a number is the same on every architecture. */
export const NR = {
  getdents64: isX64 ? 217 : 61,
  mknodat: isX64 ? 259 : 33,
  pidfd_send_signal: 424,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  pidfd_open: 434,
  openat2: 437,
  mount_setattr: 442,
  fchmodat2: 452,
} as const;
