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
 * Makes a directory below `root`, whose last part may be no link, in one that is there. Links on the way are refused, so
 * that a tree made by a stranger leads nowhere else. One that is there already stays as it is.
 *
 * @param path - relative to `root`, without `.` and `..`.
 * @throws a SystemError: ELOOP for a link on the way, ENOTDIR for one at the end or something else, EXDEV for what
 *   leaves `root`, ENOENT.
 */
export function makeDirectory(root: string, path: string, { mode, uid = 0, gid = 0 }: NewDirectory): void {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined || [...parts, name].includes('..'))
    throw systemError(constants.errno.EXDEV, 'mkdir', 'make directory', path);
  const top = open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  try {
    const parent = parts.length === 0 ? top : openat2(top, parts.join('/'), O_PATH | O_DIRECTORY, STRICT);
    try {
      makeIn(parent, name, { mode, uid, gid });
    } finally {
      if (parent !== top) close(parent);
    }
  } finally {
    close(top);
  }
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
