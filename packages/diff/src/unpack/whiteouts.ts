import { lstatSync, readdirSync } from 'node:fs';
import type { Marks } from './marks.ts';
import { bytesOf, join } from './names.ts';
import type { Remover } from './removal.ts';

/**
 * Removes what the layers below had. Whatever the order of an archive, what the layer itself brings stays (image-spec
 * layer.md: whiteouts "only apply to resources in lower layers").
 *
 * In an overlay the kernel writes down the removals in its own way.
 */
export class Whiteouts {
  readonly #marks: Marks;
  readonly #remover: Remover;
  readonly #keep: string | undefined;
  /** Emptied already. All that comes later is this layer's, so a second marker has nothing to do. */
  readonly #opaque = new Set<string>();

  /** @param keep - Left alone, wherever it is. */
  constructor(marks: Marks, remover: Remover, keep: string | undefined) {
    this.#marks = marks;
    this.#remover = remover;
    this.#keep = keep;
  }

  /** A whiteout of one name. */
  remove(path: string): void {
    if (path === this.#keep) return;
    if (!this.#marks.has(path)) this.#remover.remove(path);
    else if (lstatSync(bytesOf(path), { throwIfNoEntry: false })?.isDirectory()) this.empty(path);
  }

  /** An opaque whiteout: of all that is in a directory. */
  empty(directory: string): void {
    if (this.#opaque.has(directory)) return;
    this.#opaque.add(directory);
    for (const name of readdirSync(bytesOf(directory), 'latin1')) this.remove(join(directory, name));
  }
}
