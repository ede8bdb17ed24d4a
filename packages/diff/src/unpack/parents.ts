import { lstatSync, mkdirSync, readlinkSync, realpathSync } from 'node:fs';
import { hasCode, lchmod } from '@stowage/linux';
import { malformed } from '../tar/malformed.ts';
import { bytesOf, join, placeIn, split } from './names.ts';

/** As many as the kernel follows. */
const MOST_LINKS = 40;

/** Bounds what is remembered of an archive with endless directories. */
const MOST_KNOWN = 4096;

/**
 * The directories entries go to, free of links, made where they are not there yet. Only for a thread whose root is the
 * tree that is unpacked.
 */
export class Parents {
  readonly #known = new Map<string, string>();
  readonly #real: (path: string) => string;

  /** @param real - Finds, or makes, the directory at a rooted path. */
  constructor(real: (path: string) => string = (path) => madeReal(path)) {
    this.#real = real;
  }

  /** The real path of a rooted path's directory. */
  resolve(parent: string): string {
    if (parent === '/') return parent;
    const known = this.#known.get(parent);
    if (known !== undefined) return known;
    const real = this.#real(parent);
    if (this.#known.size === MOST_KNOWN) this.#known.clear();
    this.#known.set(parent, real);
    return real;
  }

  /** To be called whenever a directory or a link went away. */
  forget(): void {
    this.#known.clear();
  }
}

/**
 * The real path of a directory, which is made if it is not there. Where a link points to nothing, what it points to is
 * made (as containerd does, whose mkparent works on the path with its links resolved).
 *
 * From the root down, each name once: to try again from every directory above takes minutes for a path of 2000 names.
 */
function madeReal(path: string): string {
  try {
    return realpathSync.native(bytesOf(path), 'latin1');
  } catch (e) {
    if (!hasCode(e, 'ENOENT')) throw e;
  }
  const names = namesOf(path);
  let real = '/';
  let links = 0;
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (name === '..') {
      if (real !== '/') real = split(real).parent;
      continue;
    }
    const place = join(real, name);
    const stats = lstatSync(bytesOf(place), { throwIfNoEntry: false });
    if (stats?.isSymbolicLink() === true) {
      if (++links > MOST_LINKS) throw malformed('too many links to nothing');
      const target = readlinkSync(bytesOf(place), 'latin1');
      if (target.startsWith('/')) real = '/';
      names.push(...namesOf(target));
      continue;
    }
    if (stats === undefined) makePassage(bytesOf(placeIn(real, name)));
    real = place;
  }
  return real;
}

/** Makes a directory that an archive only goes through. */
export function makePassage(path: string | Buffer): void {
  mkdirSync(path, 0o755);
  // In a directory with setgid it got that as well.
  lchmod(path, 0o755);
}

/** The names on a path, the last one first. */
const namesOf = (path: string): string[] =>
  path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .reverse();
