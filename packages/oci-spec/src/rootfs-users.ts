import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';
import { readBounded } from './read-bounded.ts';
import { MAX_USER_FILE_BYTES, type UserLookup } from './user-files.ts';

/** Most links that one path may lead over, as the kernel's own limit. */
const MAX_LINKS = 40;

/**
 * Looks users up in a root file system that is a directory here, which a hostile image may have filled: links lead
 * nowhere outside of it, what is no regular file is refused, and so is a file beyond {@link MAX_USER_FILE_BYTES}.
 * Nobody may change it meanwhile, as is so before a container's start.
 *
 * @throws Fault, when the lookup is called, `invalid_argument` for files that are not fit to be read.
 */
export function rootfsUserLookup(root: string): UserLookup {
  return async () => {
    const [passwd, group] = [await read(root, '/etc/passwd'), await read(root, '/etc/group')];
    return { passwd, group };
  };
}

async function read(root: string, path: string): Promise<Uint8Array | undefined> {
  const within = await resolveWithin(root, path);
  if (within === undefined) return undefined;
  return readBounded(join(root, within), MAX_USER_FILE_BYTES, `${path} of the image`);
}

/**
 * Where a path leads if `root` were the root of all: a path without links, or undefined if there is nothing.
 *
 * @throws Fault `invalid_argument` for too many links.
 */
export async function resolveWithin(root: string, path: string): Promise<string | undefined> {
  const todo = path.split('/').reverse();
  const done: string[] = [];
  let links = 0;
  while (todo.length > 0) {
    const name = todo.pop();
    if (name === undefined || name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const at = join(root, ...done, name);
    const found = await lstatUnlessGone(at);
    if (found === undefined) return undefined;
    if (!found.isSymbolicLink()) {
      done.push(name);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS)
      throw new Fault('invalid_argument', `read ${path} of the image: more than ${MAX_LINKS} links`);
    const target = await readlink(at);
    if (target.startsWith('/')) done.length = 0;
    todo.push(...target.split('/').reverse());
  }
  return `/${done.join('/')}`;
}

async function lstatUnlessGone(path: string) {
  try {
    return await lstat(path);
  } catch (e) {
    const errno = errnoOf(e);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw e;
  }
}
