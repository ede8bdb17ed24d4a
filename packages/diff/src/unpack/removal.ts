import { lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { hasCode } from '@stowage/linux';
import { bytesOf, join } from './names.ts';

export interface RemoverOptions {
  /**
   * A directory that does not exist yet, to move directories to instead of removing what is in them. In an overlay that
   * turns the removal of a directory of the layers below, of any size, into one step: a whiteout. What is in there is
   * the caller's to remove.
   */
  readonly trash: string | undefined;
  /** Throws when the work was given up. */
  readonly check: () => void;
  /** Told when a directory or a link went away. */
  readonly onRemoved: () => void;
}

/** Removes what is in the way. Never follows a link. */
export class Remover {
  readonly #options: RemoverOptions;
  #trashed = 0;

  constructor(options: RemoverOptions) {
    this.#options = options;
  }

  /** The trash, once there is something in it. */
  get trash(): string | undefined {
    return this.#trashed > 0 ? this.#options.trash : undefined;
  }

  /** Removes whatever is at a path, with all that is in it. Nothing there is a success. */
  remove(path: string): void {
    const bytes = bytesOf(path);
    const stats = lstatSync(bytes, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (stats.isDirectory()) {
      if (!this.#moveAway(path)) removeTree(path, this.#options.check);
    } else {
      unlinkSync(bytes);
    }
    if (stats.isDirectory() || stats.isSymbolicLink()) this.#options.onRemoved();
  }

  #moveAway(path: string): boolean {
    const { trash } = this.#options;
    if (trash === undefined) return false;
    if (this.#trashed === 0) mkdirSync(trash, 0o700);
    this.#trashed++;
    try {
      renameSync(bytesOf(path), `${trash}/${this.#trashed}`);
      return true;
    } catch (e) {
      // An overlay without redirect_dir cannot move directories of lower layers.
      if (hasCode(e, 'EXDEV')) return false;
      throw e;
    }
  }
}

/**
 * Removes a directory with all that is in it. Only for a thread whose root is the tree: paths are not guarded otherwise
 * against somebody who swaps directories for links meanwhile.
 */
export function removeTree(path: string, check: () => void): void {
  for (const entry of readdirSync(bytesOf(path), { encoding: 'latin1', withFileTypes: true })) {
    check();
    const below = join(path, entry.name);
    if (entry.isDirectory()) removeTree(below, check);
    else unlinkSync(bytesOf(below));
  }
  rmdirSync(bytesOf(path));
}
