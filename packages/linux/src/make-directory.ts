import { fchmodSync, fchownSync, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY } from './constants.ts';
import { hasCode, systemError } from './errors.ts';
import { close, open } from './fd.ts';
import { openat2, RESOLVE } from './openat2.ts';

export interface NewDirectory {
  /** Whatever the umask is. */
  readonly mode: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

const STRICT = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

/**
 * Opens a directory below `root`. Links are refused, also at the end.
 *
 * @param path - relative to `root`, without `..`; empty or `/` for `root` itself.
 * @returns an O_PATH descriptor, the caller's to close.
 * @throws as {@link makeDirectory}.
 */
export function openDirectory(root: string, path: string): number {
  const parts = partsOf(path);
  const top = open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (parts.length === 0) return top;
  try {
    return openat2(top, parts.join('/'), O_PATH | O_DIRECTORY, STRICT);
  } finally {
    close(top);
  }
}

/**
 * Makes a directory below `root`, in one that is there. Links on the way are refused, so that a tree made by a stranger
 * leads nowhere else. One that is there already stays as it is.
 *
 * @param path - relative to `root`, without `..`.
 * @throws a SystemError: ELOOP for a link on the way, ENOTDIR for one at the end or something else, EXDEV for what
 *   leaves `root`, ENOENT.
 */
export function makeDirectory(root: string, path: string, { mode, uid = 0, gid = 0 }: NewDirectory): void {
  const parts = partsOf(path);
  const name = parts.pop();
  if (name === undefined) throw systemError(constants.errno.EXDEV, 'mkdir', 'make directory', path);
  const parent = openDirectory(root, parts.join('/'));
  try {
    makeIn(parent, name, { mode, uid, gid });
  } finally {
    close(parent);
  }
}

function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw systemError(constants.errno.EXDEV, 'openat2', 'open directory', path);
  return parts;
}

function makeIn(
  parent: number,
  name: string,
  { mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number },
): void {
  let isNew = true;
  try {
    mkdirSync(`/proc/thread-self/fd/${parent}/${name}`, { mode: 0o700 });
  } catch (e) {
    if (!hasCode(e, 'EEXIST')) throw e;
    isNew = false;
  }
  // Opened in any case, to see that it is a directory.
  const made = openat2(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, STRICT);
  try {
    if (!isNew) return;
    fchownSync(made, uid, gid);
    fchmodSync(made, mode);
  } finally {
    close(made);
  }
}
