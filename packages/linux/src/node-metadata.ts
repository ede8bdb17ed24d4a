import { constants } from 'node:os';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, NR } from './constants.ts';
import { checked } from './errors.ts';
import { c, lastErrno } from './libc.ts';
import { cstring, type Path } from './path.ts';

const UTIME_OMIT = 0x3ffffffen;
const NANOSECONDS = 1_000_000_000n;

/** A device number as mknod(2) and stat(2) have it. */
export const makedev = (major: number, minor: number): number =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;

/** Major and minor of a device number. */
export const splitdev = (dev: number): { major: number; minor: number } => ({
  major: (dev >>> 8) & 0xfff,
  minor: (dev & 0xff) | ((dev >>> 12) & 0xfff00),
});

/**
 * Makes a device, FIFO, socket or empty regular file. EEXIST if anything is there; never follows a last link.
 *
 * @param mode - Type and permissions: `fs.constants.S_IFCHR | 0o600`. Subject to the umask.
 * @param dev - From {@link makedev}; 0 for a FIFO or an overlay whiteout.
 */
export function mknod(path: Path, mode: number, dev = 0): void {
  checked(c.syscallAt(NR.mknodat, AT_FDCWD, cstring(path), mode, dev), 'mknodat', 'make node', path);
}

/**
 * Sets access and modification time to the nanosecond, of a link itself if it is one.
 *
 * @param atimeNs - Nanoseconds since 1970, also before it (negative). Undefined leaves that time as it is.
 */
export function lutimes(path: Path, atimeNs: bigint | undefined, mtimeNs: bigint | undefined): void {
  const times = new BigInt64Array([...timespec(atimeNs), ...timespec(mtimeNs)]);
  const bytes = new Uint8Array(times.buffer);
  const result = c.utimensat(AT_FDCWD, cstring(path), bytes, AT_SYMLINK_NOFOLLOW);
  checked(result, 'utimensat', 'set times of', path);
}

function timespec(ns: bigint | undefined): [bigint, bigint] {
  if (ns === undefined) return [0n, UTIME_OMIT];
  const rest = ((ns % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return [(ns - rest) / NANOSECONDS, rest];
}

/**
 * Sets permissions without following a last link: EOPNOTSUPP if it is one, so a link swapped in between a check and
 * this call gains nothing. Before kernel 6.6 this needs /proc.
 */
export function lchmod(path: Path, mode: number): void {
  const bytes = cstring(path);
  const result = c.syscallAt(NR.fchmodat2, AT_FDCWD, bytes, mode, AT_SYMLINK_NOFOLLOW);
  if (result !== -1 || lastErrno() !== constants.errno.ENOSYS) {
    checked(result, 'fchmodat2', 'set mode of', path);
    return;
  }
  checked(c.fchmodat(AT_FDCWD, bytes, mode, AT_SYMLINK_NOFOLLOW), 'fchmodat', 'set mode of', path);
}
