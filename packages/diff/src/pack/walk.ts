import { Fault } from '@stowage/core';
import { close } from '@stowage/linux';
import { quoted } from '../tar/reader.ts';
import { changed, openSeen } from './changed.ts';
import { isSame, type Side } from './compare.ts';
import { type Attributes, Directory } from './directory.ts';
import type { Item, LayerWriter, Parent } from './layer-writer.ts';
import { hasXattrs, layerXattrs, NotPlain, type OverlayPrefix, upperXattrs, type Xattrs } from './xattrs.ts';

const NO_XATTRS: Xattrs = new Map();

export interface WalkOptions {
  /**
   * The right tree is the upper directory of an overlay, whose lower layers are the left tree, and these are the notes
   * that overlayfs keeps in it.
   */
  readonly upper?: OverlayPrefix | undefined;
  /** Throws when the work was given up. */
  readonly check: () => void;
}

/** A directory that is being compared. */
interface Level {
  /** Undefined at the root. */
  readonly parent: Parent | undefined;
  /** Undefined if there is none of that name; then all on the right is new. */
  readonly left: Directory | undefined;
  readonly right: Directory;
  /** What is not on the right is gone. Otherwise the right has only what differs, and notes of what is gone. */
  readonly isWhole: boolean;
  readonly names: readonly string[];
  next: number;
}

/**
 * Tells a writer what changed from one tree to another, directory by directory, names in the order of their bytes, a
 * directory before what is in it. What goes with a directory that is gone is not told.
 *
 * With `upper`, only what the overlay noted is looked at, and it is told just as a comparison of the whole trees would
 * tell it: a directory that hides those below is compared with them, name by name.
 *
 * @param left - Descriptors of the two trees; they stay the caller's.
 * @throws NotPlain if the upper directory refers to what is elsewhere; some changes were told by then.
 * @see continuity fs/diff.go Changes
 */
export class Walk {
  readonly #writer: LayerWriter;
  readonly #upper: OverlayPrefix | undefined;
  readonly #check: () => void;
  readonly #levels: Level[] = [];

  constructor(writer: LayerWriter, { upper, check }: WalkOptions) {
    this.#writer = writer;
    this.#upper = upper;
    this.#check = check;
  }

  run(left: number, right: number): void {
    this.#push(undefined, new Directory(left), new Directory(right), this.#upper === undefined);
    try {
      for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
        this.#check();
        const name = level.names[level.next++];
        if (name === undefined) this.#pop();
        else this.#compare(level, name);
      }
    } finally {
      while (this.#levels.length > 0) this.#pop();
    }
  }

  #push(parent: Parent | undefined, left: Directory | undefined, right: Directory, isWhole: boolean): void {
    const names = right.names();
    const all = left !== undefined && isWhole ? [...new Set([...names, ...left.names()])].sort() : names;
    this.#levels.push({ parent, left, right, isWhole, names: all, next: 0 });
  }

  #pop(): void {
    const level = this.#levels.pop();
    // Those of the root are the caller's.
    if (level?.parent === undefined) return;
    if (level.left !== undefined) close(level.left.fd);
    close(level.right.fd);
  }

  #compare(level: Level, name: string): void {
    const { parent, left, right } = level;
    const path = parent === undefined ? name : `${parent.path}/${name}`;
    const before = left?.inspect(name);
    const after = right.inspect(name);
    if (after === undefined) {
      if (before !== undefined) this.#writer.whiteout(parent, name);
      return;
    }
    if (name.startsWith('.wh.')) {
      throw new Fault('failed_precondition', `diff ${quoted(path)}: in a layer that name removes something`);
    }
    const { xattrs, isOpaque } = this.#notes(right, name, after);
    const isUnchanged =
      left !== undefined &&
      before !== undefined &&
      isSame(
        path,
        name,
        sideOf(left, name, before),
        { directory: right, attributes: after, xattrs },
        this.#check,
      );
    if (after.kind === 'directory') {
      const below: Parent = { path, attributes: after, xattrs: xattrs(), parent, isWritten: false };
      if (!isUnchanged && before?.kind === 'directory' && this.#lacks(level, name, below)) {
        if (!level.isWhole && !isOpaque) throw new NotPlain('a directory lost an attribute');
        this.#writer.replaced(below, name);
        this.#enter(level, below, name, undefined, true);
        return;
      }
      if (!isUnchanged) this.#writer.directory(below);
      this.#enter(level, below, name, before, isOpaque);
      return;
    }
    if (isUnchanged && !after.isLinked) return;
    const item: Item = { path, parent, attributes: after, xattrs: xattrs(), directory: right, name };
    if (isUnchanged) this.#writer.unchanged(item);
    else this.#writer.entry(item);
  }

  /**
   * Whether an attribute of a directory is gone. No layer can say that of a directory that stays: what it says of one is
   * added to what is there. So the directory is packed as if it had been removed and made anew.
   */
  #lacks({ left }: Level, name: string, { xattrs }: Parent): boolean {
    if (left === undefined) return false;
    return [...layerXattrs(left, name).keys()].some((key) => !xattrs.has(key));
  }

  #enter(level: Level, below: Parent, name: string, before: Attributes | undefined, isOpaque: boolean): void {
    const { path } = below;
    const { left, right, isWhole } = level;
    const rightFd = openSeen(path, () => right.openDirectory(name));
    let leftFd: number | undefined;
    try {
      const opened = new Directory(rightFd);
      if (opened.inspectSelf()?.identity !== below.attributes.identity) throw changed(path);
      if (before?.kind === 'directory') leftFd = left && openSeen(path, () => left.openDirectory(name));
      const beside = leftFd === undefined ? undefined : new Directory(leftFd);
      this.#push(below, beside, opened, isWhole || isOpaque || beside === undefined);
    } catch (e) {
      close(rightFd);
      if (leftFd !== undefined) close(leftFd);
      throw e;
    }
  }

  /** What an overlay noted has to be seen always, the attributes only where they decide something. */
  #notes(right: Directory, name: string, { kind }: Attributes): { xattrs: () => Xattrs; isOpaque: boolean } {
    if (this.#upper === undefined)
      return { xattrs: once(() => xattrsOf(right, name, kind)), isOpaque: false };
    const { xattrs, isOpaque } = upperXattrs(right, name, this.#upper);
    return { xattrs: () => xattrs, isOpaque };
  }
}

const sideOf = (directory: Directory, name: string, attributes: Attributes): Side => ({
  directory,
  attributes,
  xattrs: () => xattrsOf(directory, name, attributes.kind),
});

const xattrsOf = (directory: Directory, name: string, kind: Attributes['kind']): Xattrs =>
  hasXattrs(kind) ? layerXattrs(directory, name) : NO_XATTRS;

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
