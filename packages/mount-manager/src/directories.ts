import { Fault, type Mount, quote } from '@stowage/core';

/** A directory to be made before a mount. */
export interface WantedDirectory {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const PREFIX = 'X-containerd.mkdir.';
const PATH = 'path=';
const MODE = /^[0-7]{1,4}$/;
const ID = /^\d{1,10}$/;
/** The number above it means "leave as it is". */
const LARGEST_ID = 0xffff_fffe;

/**
 * Takes options `X-containerd.mkdir.path=<path>[:<mode>[:<uid>:<gid>]]` out of a mount. Without a mode it is 0700, without
 * owners it is root.
 *
 * @throws Fault `invalid_argument` for one that is malformed.
 * @see containerd core/mount/manager/mkdir.go
 */
export function takeDirectories(mount: Mount): {
  readonly mount: Mount;
  readonly directories: WantedDirectory[];
} {
  const directories: WantedDirectory[] = [];
  const options: string[] = [];
  for (const option of mount.options) {
    if (option.startsWith(PREFIX)) directories.push(wanted(option));
    else options.push(option);
  }
  return { mount: { ...mount, options }, directories };
}

function wanted(option: string): WantedDirectory {
  const rest = option.slice(PREFIX.length);
  const [path = '', mode = '700', uid = '0', gid = '0', ...more] = rest.slice(PATH.length).split(':');
  const count = rest.split(':').length;
  if (!rest.startsWith(PATH) || more.length > 0 || count === 3)
    throw new Fault(
      'invalid_argument',
      `mount option ${quote(option)}: expected ${PREFIX}${PATH}<path>[:<mode>[:<uid>:<gid>]]`,
    );
  if (!isAbsolutePlain(path))
    throw new Fault(
      'invalid_argument',
      `mount option ${quote(option)}: expected an absolute path without ..`,
    );
  if (!MODE.test(mode) || Number.parseInt(mode, 8) > 0o777)
    throw new Fault(
      'invalid_argument',
      `mount option ${quote(option)}: its mode must be octal, 0777 at most`,
    );
  for (const id of [uid, gid])
    if (!ID.test(id) || Number(id) > LARGEST_ID)
      throw new Fault(
        'invalid_argument',
        `mount option ${quote(option)}: ${quote(id)} is no user or group id`,
      );
  return { path, mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid) };
}

/** Where something may be made. */
export interface Place {
  readonly root: string;
  /** The path from there. */
  readonly below: string;
}

/**
 * Which of the directories that may be written to a path is in.
 *
 * @returns that, and the path from there; the longest one that fits.
 * @throws Fault `invalid_argument` if it is in none.
 */
export function placeOf(path: string, roots: readonly string[]): Place {
  let best: string | undefined;
  for (const root of roots)
    if (path.startsWith(root === '/' ? root : `${root}/`) && root.length > (best?.length ?? 0)) best = root;
  if (best === undefined)
    throw new Fault(
      'invalid_argument',
      `make ${quote(path)}: it is in no mount of this activation and in none of the configured roots`,
    );
  return { root: best, below: path.slice(best.length) };
}

/** Whether a path leads down from the root and nowhere up again. */
export function isAbsolutePlain(path: string): boolean {
  return path.startsWith('/') && !path.split('/').includes('..');
}
