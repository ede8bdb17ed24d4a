import type { StoredSnapshot } from './record.ts';

/** Which ids are taken and how many children each has: what would take a scan of the database to know. */
export class Census {
  #children = new Map<number, number>();
  #recorded = new Set<number>();
  readonly #making = new Set<number>();

  add({ id, parentIds }: StoredSnapshot): void {
    if (this.#recorded.has(id)) return;
    this.#recorded.add(id);
    this.#count(parentIds[0], 1);
  }

  remove({ id, parentIds }: StoredSnapshot): void {
    if (!this.#recorded.delete(id)) return;
    this.#count(parentIds[0], -1);
  }

  /** The same snapshot, perhaps on another parent. */
  move(from: StoredSnapshot, to: StoredSnapshot): void {
    this.remove(from);
    this.add(to);
  }

  /** Takes over what another one found recorded, all at once. What is in the making here stays so. */
  replace(found: Census): void {
    this.#children = found.#children;
    this.#recorded = found.#recorded;
  }

  /** Holds an id whose snapshot is not recorded yet. */
  making(id: number): Disposable {
    this.#making.add(id);
    return { [Symbol.dispose]: () => void this.#making.delete(id) };
  }

  childrenOf(id: number): number {
    return this.#children.get(id) ?? 0;
  }

  knows(id: number): boolean {
    return this.#recorded.has(id) || this.#making.has(id);
  }

  ids(): number[] {
    return [...this.#recorded];
  }

  #count(id: number | undefined, step: number): void {
    if (id === undefined) return;
    const count = this.childrenOf(id) + step;
    if (count === 0) this.#children.delete(id);
    else this.#children.set(id, count);
  }
}
