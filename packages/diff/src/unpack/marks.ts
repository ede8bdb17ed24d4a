import { split } from './names.ts';

/**
 * What this layer unpacked: whiteouts speak of the layers below only (image-spec layer.md). Paths are real ones, so one
 * place has one name however an archive spells it.
 */
export class Marks {
  /** By directory, so that a name costs little. A directory that something was unpacked into is marked itself. */
  readonly #bases = new Map<string, Set<string>>();

  add(path: string): void {
    for (let at = path; at !== '/'; ) {
      const { parent, base } = split(at);
      const known = this.#bases.get(parent);
      if (known !== undefined) {
        known.add(base);
        return;
      }
      this.#bases.set(parent, new Set([base]));
      at = parent;
    }
  }

  has(path: string): boolean {
    const { parent, base } = split(path);
    return this.#bases.get(parent)?.has(base) ?? false;
  }
}
