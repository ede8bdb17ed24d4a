import { constants } from 'node:os';
import { NR, O_DIRECTORY, O_RDONLY } from './constants.ts';
import { checked, systemError } from './errors.ts';
import { close, open } from './fd.ts';
import { c, lastErrno } from './libc.ts';
import { cstring, type Path } from './path.ts';

const FICLONE = 0x40049409;
const FS_IOC_SHUTDOWN = 0x8004587d;
const unsupported = new Set([95, 25, 18, 22]); // EOPNOTSUPP, ENOTTY, EXDEV, EINVAL

/** statfs(2) numbers of filesystems this project treats apart. */
export const fsType = {
  ext4: 0xef53,
  xfs: 0x58465342,
  btrfs: 0x9123683e,
  tmpfs: 0x01021994,
  overlay: 0x794c7630,
  cgroup: 0x27e0eb,
  cgroup2: 0x63677270,
  nfs: 0x6969,
  fuse: 0x65735546,
  proc: 0x9fa0,
} as const;

/** The filesystem type a path lies on, as a number of {@link fsType} or another. A remote one that hangs waits. */
export function statfsType(path: Path): number {
  const buffer = Buffer.alloc(256);
  checked(c.statfs(cstring(path), buffer), 'statfs', 'read filesystem of', path);
  return Number(buffer.readBigUInt64LE(0));
}

/** The same of a descriptor. */
export function fstatfsType(fd: number): number {
  const buffer = Buffer.alloc(256);
  checked(c.fstatfs(fd, buffer), 'fstatfs', 'read filesystem of', fd);
  return Number(buffer.readBigUInt64LE(0));
}

/**
 * Whether listing a directory tells what kind of file each entry is (d_type). XFS made with `ftype=0` and ext4 without
 * `filetype` do not; overlayfs then shows whiteouts as devices.
 *
 * @param directory - With at least one entry.
 */
export function hasDirentTypes(directory: Path): boolean {
  const fd = open(directory, O_RDONLY | O_DIRECTORY);
  try {
    const buffer = Buffer.alloc(4096);
    const size = checked(
      c.syscallBuffer(NR.getdents64, fd, buffer, buffer.length),
      'getdents64',
      'list directory',
      directory,
    );
    // struct linux_dirent64: u64 ino, s64 off, u16 reclen, u8 type, name.
    for (let at = 0; at < size; at += buffer.readUInt16LE(at + 16)) {
      const name = buffer.toString('latin1', at + 19, buffer.indexOf(0, at + 19));
      if (name !== '.' && name !== '..') return buffer.readUInt8(at + 18) !== 0;
    }
    throw systemError(constants.errno.EINVAL, 'getdents64', 'see types in', directory, 'it is empty');
  } finally {
    close(fd);
  }
}

/**
 * Makes one file share the other's blocks (a reflink).
 *
 * @returns false if the filesystem cannot, or the two lie on different ones: copy the bytes then.
 */
export function reflink(fromFd: number, toFd: number): boolean {
  if (c.ioctlInt(toFd, FICLONE, fromFd) === 0) return true;
  const errno = lastErrno();
  if (unsupported.has(errno)) return false;
  throw systemError(errno, 'ioctl', 'reflink to', toFd);
}

/**
 * Shuts a filesystem down as a power cut would: what was not synced is lost, and writes are EIO from now on, as are
 * reads of what is not cached, until it is unmounted and mounted again. For crash tests; ext4 and xfs only.
 *
 * @param how - `default` flushes everything first, `logflush` the journal only, `nologflush` nothing.
 */
export function shutdownFilesystem(fd: number, how: 'default' | 'logflush' | 'nologflush'): void {
  const flag = new Uint32Array([{ default: 0, logflush: 1, nologflush: 2 }[how]]);
  checked(c.ioctl(fd, FS_IOC_SHUTDOWN, new Uint8Array(flag.buffer)), 'ioctl', 'shut down filesystem of', fd);
}
