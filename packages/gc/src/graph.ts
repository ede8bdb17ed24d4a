/** An object in a {@link Graph}: what it keeps. */
export interface Node {
  /** Ids of what it keeps: by its fields, by its labels, and by those of others that live while it does. */
  readonly refs: string[];
  /**
   * Id of what it is nothing without, held even where labels are not followed: a snapshot's parent, an image's target.
   * It is among the refs too.
   */
  readonly parent: string | undefined;
  /** A lease that holds its resources, but not what their labels name. */
  readonly isFlat: boolean;
}

/** Objects by id and what they keep, as of one moment. Ids are any text, as long as each object has one of its own. */
export interface Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly roots: readonly string[];
  /** What lives while an object does that isn't there, but may be named all the same, or be made. */
  readonly absent?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** What a walk came to. */
export interface Reached {
  /** Ids of what was reached with all that it keeps. */
  readonly full: ReadonlySet<string>;
  /** Ids of what a flat lease reached: itself and what that is nothing without. May be in both. */
  readonly flat: ReadonlySet<string>;
}

/** Steps of a walk between which others get their turn. */
const STEPS = 2000;

/** A walk over a graph, from one place or several, that can be interrupted. */
export class Walk implements Reached {
  readonly full = new Set<string>();
  readonly flat = new Set<string>();
  readonly #graph: Graph;
  readonly #waiting: string[] = [];
  readonly #waitingFlat: string[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Sets out from an object too. */
  from(id: string): void {
    if (!this.full.has(id)) this.#waiting.push(id);
  }

  has(id: string): boolean {
    return this.full.has(id) || this.flat.has(id);
  }

  /** Goes on for at most so many steps. @returns whether it came to its end. */
  advance(steps = Number.POSITIVE_INFINITY): boolean {
    for (let left = steps; left > 0; left -= 1) {
      const next = this.#waiting.pop();
      if (next !== undefined) this.#enter(next);
      else if (!this.#enterFlat(this.#waitingFlat.pop())) return true;
    }
    return this.#waiting.length === 0 && this.#waitingFlat.length === 0;
  }

  #enter(id: string): void {
    if (this.full.has(id)) return;
    this.full.add(id);
    const { nodes, absent } = this.#graph;
    const node = nodes.get(id);
    if (node?.isFlat) for (const ref of node.refs) this.#waitingFlat.push(ref);
    else for (const ref of node?.refs ?? absent?.get(id) ?? []) this.from(ref);
  }

  #enterFlat(id: string | undefined): boolean {
    if (id === undefined) return false;
    if (this.flat.has(id)) return true;
    this.flat.add(id);
    const parent = this.#graph.nodes.get(id)?.parent;
    if (parent !== undefined) this.#waitingFlat.push(parent);
    return true;
  }
}

/** Walks from the roots. Others get their turn meanwhile. */
export async function walk(graph: Graph): Promise<Reached> {
  const walk = new Walk(graph);
  for (const root of graph.roots) walk.from(root);
  while (!walk.advance(STEPS)) await new Promise(setImmediate);
  return walk;
}

/** Everything that can be reached from the roots. Others get their turn meanwhile. */
export async function reachable(graph: Graph): Promise<Set<string>> {
  const { full, flat } = await walk(graph);
  return new Set([...full, ...flat]);
}
