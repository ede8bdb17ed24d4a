import { AT_FDCWD, NR, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_PATH } from './constants.ts';
import { checked } from './errors.ts';
import { close, open } from './fd.ts';
import { c } from './libc.ts';
import { cstring, type Path } from './path.ts';

/** How openat2(2) may resolve a path. Combine with |. */
export const RESOLVE = {
  /** Never cross a mount point. */
  NO_XDEV: 0x01,
  NO_MAGICLINKS: 0x02,
  /** ELOOP at the first link, also the last. */
  NO_SYMLINKS: 0x04,
  /** EXDEV for whatever would leave the directory. */
  BENEATH: 0x08,
  /** The directory is `/` for the path and for every link met. */
  IN_ROOT: 0x10,
  /** EAGAIN unless the answer is in memory. */
  CACHED: 0x20,
} as const;

/**
 * openat2(2), kernel 5.6, always O_CLOEXEC.
 *
 * EAGAIN if a rename raced with the lookup: repeat.
 *
 * @param dirfd - A directory; undefined for the working directory.
 * @param resolve - Of {@link RESOLVE}.
 * @param mode - For O_CREAT only.
 */
export function openat2(
  dirfd: number | undefined,
  path: Path,
  flags: number,
  resolve: number,
  mode = 0o600,
): number {
  const creates = (flags & O_CREAT) !== 0;
  const how = new BigUint64Array([
    BigInt((flags | O_CLOEXEC) >>> 0),
    creates ? BigInt(mode) : 0n,
    BigInt(resolve),
  ]);
  const bytes = new Uint8Array(how.buffer);
  const result = c.syscallHow(NR.openat2, dirfd ?? AT_FDCWD, cstring(path), bytes, bytes.length);
  return checked(result, 'openat2', 'open', path);
}

/** An O_PATH descriptor of what `path` names if `root` were `/`. Links cannot lead out, whoever swaps them meanwhile. */
export function openInRoot(root: Path, path: Path, flags = O_PATH): number {
  const dirfd = open(root, O_PATH | O_DIRECTORY);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return openat2(dirfd, path, flags, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
      } catch (e) {
        if ((e as { code?: string }).code !== 'EAGAIN' || attempt === 100) throw e;
      }
    }
  } finally {
    close(dirfd);
  }
}
