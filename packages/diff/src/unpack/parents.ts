import { mkdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { hasCode } from '@stowage/linux';
import { malformed } from '../tar/malformed.ts';
import { bytesOf, join, split } from './names.ts';

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

  #real(parent: string): string {
    try {
      return realPath(parent);
    } catch (e) {
      if (!hasCode(e, 'ENOENT')) throw e;
    }
    make(parent, { links: 0 });
    return realPath(parent);
  }
}

const realPath = (path: string): string => realpathSync.native(bytesOf(path), 'latin1');

/**
 * Makes a directory and those above it. Where a link points to nothing, what it points to is made (as containerd does,
 * whose mkparent works on the path with its links resolved).
 */
function make(path: string, followed: { links: number }): void {
  let at = '';
  for (const part of path.slice(1).split('/')) {
    at = `${at}/${part}`;
    const bytes = bytesOf(at);
    try {
      mkdirSync(bytes, 0o755);
    } catch (e) {
      if (!hasCode(e, 'EEXIST')) throw e;
      if (statSync(bytes, { throwIfNoEntry: false }) !== undefined) continue;
      if (++followed.links > MOST_LINKS) throw malformed('too many links to nothing');
      const target = readlinkSync(bytes, 'latin1');
      make(target.startsWith('/') ? target : join(split(at).parent, target), followed);
    }
  }
}
