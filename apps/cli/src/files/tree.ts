import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { unlessAbsent } from '@stowage/core';
import { close, hasCode, O_PATH, open } from '@stowage/linux';
import { openat2, RESOLVE } from '@stowage/linux/blocking';

const DIRECTORY = O_PATH | constants.O_DIRECTORY;
const MOST_TRIES = 100;
/** As many links as the kernel follows. */
const MOST_LINKS = 40;

/** A directory that is held open, so that it stays what it is whoever moves it or puts a link in its place. */
export class Directory implements Disposable {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** @throws ENOENT, ENOTDIR, … */
  static at(path: string): Directory {
    return new Directory(open(path, DIRECTORY));
  }

  /** The path of something in it, for calls that do not follow a link at its end. */
  at(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`;
  }

  /** A directory below it. No link on the way is followed. @throws ELOOP, ENOTDIR at one; ENOENT */
  below(path: string): Directory {
    const resolve = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;
    return new Directory(opened(this.fd, path === '' ? '.' : path, DIRECTORY, resolve));
  }

  /** Whether anything is at a path below it; a link on the way leads to nothing. */
  has(path: string): boolean {
    const resolve = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;
    try {
      close(opened(this.fd, path, O_PATH | constants.O_NOFOLLOW, resolve));
      return true;
    } catch (e) {
      // A link at the end is something; the one on the way is told from it by where it stands.
      if (hasCode(e, 'ELOOP')) return this.#isLink(path);
      if (hasCode(e, 'ENOENT') || hasCode(e, 'ENOTDIR')) return false;
      throw e;
    }
  }

  #isLink(path: string): boolean {
    const end = path.lastIndexOf('/');
    try {
      using parent = this.below(end < 0 ? '' : path.slice(0, end));
      // BENEATH without NO_SYMLINKS: the link itself is opened, none is followed.
      close(opened(parent.fd, path.slice(end + 1), O_PATH | constants.O_NOFOLLOW, RESOLVE.BENEATH));
      return true;
    } catch (e) {
      if (hasCode(e, 'ELOOP') || hasCode(e, 'ENOTDIR') || hasCode(e, 'ENOENT')) return false;
      throw e;
    }
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }
}

/**
 * All files from a root. Of a container's, whatever is in them leads nowhere else: for a path, and for every link that is
 * met, the root is `/` (openat2, RESOLVE_IN_ROOT), and links of proc are not followed.
 */
export class Tree implements Disposable {
  readonly #root: Directory;
  readonly #resolve: number;

  private constructor(root: Directory, resolve: number) {
    this.#root = root;
    this.#resolve = resolve;
  }

  static ofContainer(root: string): Tree {
    return new Tree(Directory.at(root), RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  }

  static ofHost(): Tree {
    return new Tree(Directory.at('/'), 0);
  }

  get isHost(): boolean {
    return this.#resolve === 0;
  }

  /** A directory; links are followed. @throws ENOENT, ENOTDIR, … */
  directory(path: string): Directory {
    return new Directory(opened(this.#root.fd, path, DIRECTORY, this.#resolve));
  }

  /** What a path leads to; links are followed. Undefined if there is nothing. */
  async stat(path: string): Promise<Stats | undefined> {
    try {
      using found = new Directory(opened(this.#root.fd, path, O_PATH, this.#resolve));
      return await stat(`/proc/self/fd/${found.fd}`);
    } catch (e) {
      if (hasCode(e, 'ENOENT') || hasCode(e, 'ENOTDIR')) return undefined;
      throw e;
    }
  }

  /** What is at a path, be it a link. Undefined if there is nothing. */
  async lstat(path: string): Promise<Stats | undefined> {
    const { dir, name } = split(path);
    try {
      using parent = this.directory(dir);
      return await unlessAbsent(lstat(parent.at(name)));
    } catch (e) {
      if (hasCode(e, 'ENOENT') || hasCode(e, 'ENOTDIR')) return undefined;
      throw e;
    }
  }

  /** Where the links at the end of a path lead, for what is put there to take the place of no link. */
  async target(path: string): Promise<string> {
    let current = path;
    for (let links = 0; links < MOST_LINKS; links++) {
      const { dir, name } = split(current);
      using parent = this.directory(dir);
      const found = await unlessAbsent(lstat(parent.at(name)));
      if (!found?.isSymbolicLink()) return current;
      const link = await readlink(parent.at(name));
      current = link.startsWith('/') ? link : `${dir}/${link}`;
    }
    return current;
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

/** A path's directory and last name. `..` is left to the kernel, which knows where links lead. */
export function split(path: string): { readonly dir: string; readonly name: string } {
  const trimmed = path.replace(/\/+$/, '');
  const end = trimmed.lastIndexOf('/');
  const [dir, name] = [trimmed.slice(0, end), trimmed.slice(end + 1)];
  // The names of directories themselves.
  if (name === '' || name === '.' || name === '..') return { dir: trimmed === '' ? '/' : trimmed, name: '.' };
  return { dir: dir === '' ? '/' : dir, name };
}

function opened(dirfd: number, path: string, flags: number, resolve: number): number {
  for (let tries = 1; ; tries++) {
    try {
      return openat2(dirfd, path, flags, resolve);
    } catch (e) {
      // A rename raced with the lookup.
      if (!hasCode(e, 'EAGAIN') || tries === MOST_TRIES) throw e;
    }
  }
}
