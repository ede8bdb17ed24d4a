import { mkdirSync, readlinkSync, realpathSync } from 'node:fs';
import { hasCode } from '@stowage/linux';
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

  /** The real path of a rooted path's directory. */
  resolve(parent: string): string {
    if (parent === '/') return parent;
    const known = this.#known.get(parent);
    if (known !== undefined) return known;
    const real = madeReal(parent, { links: 0 });
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
 */
function madeReal(path: string, followed: { links: number }): string {
  try {
    return realpathSync.native(bytesOf(path), 'latin1');
  } catch (e) {
    if (!hasCode(e, 'ENOENT')) throw e;
  }
  const { parent, base } = split(path);
  const above = madeReal(parent, followed);
  if (base === '' || base === '.') return above;
  if (base === '..') return split(above).parent;
  const place = placeIn(above, base);
  try {
    mkdirSync(bytesOf(place), 0o755);
    return place;
  } catch (e) {
    if (!hasCode(e, 'EEXIST')) throw e;
  }
  if (++followed.links > MOST_LINKS) throw malformed('too many links to nothing');
  const target = readlinkSync(bytesOf(place), 'latin1');
  return madeReal(target.startsWith('/') ? target : join(above, target), followed);
}
