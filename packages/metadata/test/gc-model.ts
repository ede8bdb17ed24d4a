/** Namespace, kind and name of an object. */
export type Id = string;

/** An object of the model: what it keeps, and how long it keeps itself. */
export interface Thing {
  readonly refs: Set<Id>;
  /** What it is nothing without: a snapshot's parent, an image's target. It is among the refs too. */
  readonly needs?: Id | undefined;
  /** It lives while these do. */
  readonly backTo: readonly Id[];
  /** Snapshots that it keeps if they were used within so many ms. */
  readonly ifUsed: ReadonlyArray<{ readonly id: Id; readonly withinMs: number }>;
  readonly usedAt?: number | undefined;
  readonly isRoot: boolean;
  /** A root up to this moment. */
  readonly until?: number | undefined;
  readonly isFlat?: boolean | undefined;
}

/** What garbage collection has to come to in the end, as plainly as it can be said. */
export class Model {
  readonly things = new Map<Id, Thing>();

  /** Ids of all that can be reached, there or not: with all that it keeps, and by flat leases. */
  reached(now: number, roots: Iterable<Id> = this.#roots(now)): { full: Set<Id>; flat: Set<Id> } {
    const full = new Set<Id>();
    const flat = new Set<Id>();
    const visit = (id: Id, isFlat: boolean): void => {
      const seen = isFlat ? flat : full;
      if (seen.has(id)) return;
      seen.add(id);
      const thing = this.things.get(id);
      if (isFlat && thing?.needs !== undefined) visit(thing.needs, true);
      if (!isFlat) for (const ref of this.keptBy(id, now)) visit(ref, thing?.isFlat === true);
    };
    for (const root of roots) visit(root, false);
    return { full, flat };
  }

  *keptBy(id: Id, now: number): Iterable<Id> {
    const { refs = [], ifUsed = [] } = this.things.get(id) ?? {};
    yield* refs;
    for (const { id: to, withinMs } of ifUsed)
      if (now - (this.things.get(to)?.usedAt ?? -Infinity) < withinMs) yield to;
    for (const [other, { backTo }] of this.things) if (backTo.includes(id)) yield other;
  }

  *#roots(now: number): Iterable<Id> {
    for (const [id, { isRoot, until = Infinity }] of this.things) if (isRoot && until >= now) yield id;
  }
}
