import { constants, lstatSync, readdirSync, readlinkSync, type Stats, unlinkSync } from 'node:fs';
import { Fault } from '@stowage/core';
import { makedev, mknod, setXattr } from '@stowage/linux';
import { malformed } from '../tar/malformed.ts';
import type { Marks } from './marks.ts';
import { bytesOf, join, placeIn, split, statsAt } from './names.ts';
import { makePassage } from './parents.ts';
import type { Remover } from './removal.ts';

/** As many as the kernel follows. */
const MOST_LINKS = 40;

/**
 * A layer that is unpacked without those below it, to be laid over them later: it must itself hold what it does to them,
 * as overlayfs writes it down. A removed name is a device 0:0, a directory that starts anew has an attribute
 * (kernel Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories").
 *
 * What a layer takes from those below cannot be had: owner and mode of directories that it only goes through, and whether
 * they are links. Then {@link LoneLayer.needsBelow} is true, and the outcome may not be what it would have been on them.
 */
export class LoneLayer {
  readonly #marks: Marks;
  readonly #remover: Remover;
  readonly #attribute: string;
  /** Nothing of below shows in them. */
  readonly #opaque = new Set<string>();
  /** Emptied already. All that comes later is this layer's, so a second marker has nothing to do. */
  readonly #emptied = new Set<string>();
  readonly #whiteouts = new Set<string>();
  #needsBelow = false;

  /** @param attribute - What marks opaque directories. */
  constructor(marks: Marks, remover: Remover, attribute: string) {
    this.#marks = marks;
    this.#remover = remover;
    this.#attribute = attribute;
  }

  /** A whiteout of one name. */
  remove(path: string): void {
    if (this.#marks.has(path)) {
      if (statsAt(path)?.isDirectory()) this.empty(path);
      return;
    }
    // At most directories that the layer went through.
    this.#remover.remove(path);
    this.#whiteouts.add(path);
    mknod(bytesOf(path), constants.S_IFCHR, makedev(0, 0));
  }

  /** An opaque whiteout: of all that is in a directory. */
  empty(directory: string): void {
    if (directory === '/') throw needsThem('it empties the whole tree');
    if (this.#emptied.has(directory)) return;
    this.#emptied.add(directory);
    this.startsAnew(directory);
    for (const name of readdirSync(bytesOf(directory), 'latin1')) {
      const path = join(directory, name);
      if (!this.#marks.has(path)) this.#remover.remove(path);
      else if (lstatSync(bytesOf(path)).isDirectory()) this.empty(path);
    }
  }

  /** A directory was made where something else was, so it is not that of the layers below. */
  startsAnew(directory: string): void {
    this.#opaque.add(directory);
    setXattr(bytesOf(directory), this.#attribute, Buffer.from('y'));
  }

  /**
   * The real path of a directory, which is made if it is not there. One that the layer has removed, and now has
   * something in again, starts anew.
   */
  directory(path: string): string {
    let real = '/';
    let links = 0;
    const names = namesOf(path);
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (name === '..') {
        real = real === '/' ? real : split(real).parent;
        continue;
      }
      const place = placeIn(real, name);
      const bytes = bytesOf(place);
      const stats = lstatSync(bytes, { throwIfNoEntry: false });
      if (stats?.isSymbolicLink()) {
        if (++links > MOST_LINKS) throw malformed('too many links');
        const target = readlinkSync(bytes, 'latin1');
        if (target.startsWith('/')) real = '/';
        names.push(...namesOf(target));
        continue;
      }
      if (stats === undefined) {
        makePassage(bytes);
        // Below it may be a link, or have another mode. An entry of it that comes later is too late.
        if (!this.#isHidden(place)) this.#needsBelow = true;
      } else if (isWhiteout(stats)) {
        unlinkSync(bytes);
        makePassage(bytes);
        this.startsAnew(place);
      }
      real = place;
    }
    return real;
  }

  /** @throws Fault `failed_precondition` for a link to a file that is not this layer's. */
  checkLinked(target: string): void {
    const stats = statsAt(target);
    if (stats === undefined || isWhiteout(stats))
      throw needsThem(`it links to ${JSON.stringify(target)} of them`);
  }

  /** Takes away whiteouts where nothing of below shows: listings of such directories would show them. */
  finish(): void {
    for (const path of this.#whiteouts) {
      if (!this.#isHidden(path)) continue;
      const stats = statsAt(path);
      if (stats !== undefined && isWhiteout(stats)) unlinkSync(bytesOf(path));
    }
  }

  /** Whether on the layers below it might have come out otherwise. */
  get needsBelow(): boolean {
    return this.#needsBelow;
  }

  #isHidden(path: string): boolean {
    for (let at = path; at !== '/'; ) {
      at = split(at).parent;
      if (this.#opaque.has(at)) return true;
    }
    return false;
  }
}

function namesOf(path: string): string[] {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .reverse();
}

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

function needsThem(why: string): Fault {
  return new Fault('failed_precondition', `the layer needs those below it: ${why}`);
}
