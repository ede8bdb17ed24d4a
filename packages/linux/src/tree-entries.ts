import { Buffer } from 'node:buffer';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from './constants.ts';
import { systemError } from './errors.ts';
import { openat2, RESOLVE } from './openat2.ts';

const ECANCELED = 125;
const EAGAIN_TRIES = 100;

/** Set to 1 by another thread to end a walk; see {@link stopIfAsked}. */
export type StopFlag = Int32Array<SharedArrayBuffer>;

/** @throws ECANCELED once the flag is set. */
export function stopIfAsked(stop: StopFlag | undefined): void {
  if (stop !== undefined && Atomics.load(stop, 0) !== 0) throw systemError(ECANCELED, 'walk', 'walk', 'tree');
}

/**
 * The path of an entry by its directory's descriptor. Whoever renames directories meanwhile, or puts links in their
 * place, changes nothing about what it names. Names are bytes, since not all are UTF-8.
 */
export function entryPath(dirfd: number, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`/proc/thread-self/fd/${dirfd}/`), name]);
}

/** The directory of a descriptor as a path, to list it. */
export function directoryPath(dirfd: number): string {
  return `/proc/thread-self/fd/${dirfd}/.`;
}

/** Opens a directory below another; ELOOP or ENOTDIR for anything else there, EXDEV for another mount. */
export function openDirectoryAt(dirfd: number, name: Uint8Array): number {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  for (let attempt = 0; ; attempt++) {
    try {
      return openat2(dirfd, name, flags, RESOLVE.NO_XDEV | RESOLVE.NO_SYMLINKS | RESOLVE.BENEATH);
    } catch (e) {
      // A rename anywhere on the machine may race with the lookup.
      if ((e as { code?: string }).code !== 'EAGAIN' || attempt === EAGAIN_TRIES) throw e;
    }
  }
}

/** Options for listing a directory. Names come as bytes then, which the type of `encoding` does not tell. */
export const AS_BYTES = { encoding: 'buffer' as BufferEncoding, bufferSize: 256 };
