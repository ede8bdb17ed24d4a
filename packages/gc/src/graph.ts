/** An object in a {@link Graph}: what it keeps. */
export interface Node {
  /** Ids of what it keeps: by its fields, by its labels, and by those of others that live while it does. */
  readonly refs: string[];
  /** Id of a snapshot's parent, held even where labels are not followed; it is among the refs too. */
  readonly parent: string | undefined;
  /** A lease that holds its resources, but not what their labels name. */
  readonly isFlat: boolean;
}

/** Objects by id and what they keep, as of one moment. Ids are any text, as long as each object has one of its own. */
export interface Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly roots: readonly string[];
}

/** Steps of a walk between which others get their turn. */
const STEPS = 2000;

/** Everything that can be reached from the roots. Others get their turn meanwhile. */
export async function reachable({ nodes, roots }: Graph): Promise<Set<string>> {
  const full = new Set<string>();
  const flat = new Set<string>();
  const waiting: Array<readonly [id: string, isFlat: boolean]> = roots.map((id) => [id, false]);
  let steps = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    steps += 1;
    if (steps % STEPS === 0) await new Promise(setImmediate);
    const [id, isFlat] = next;
    const seen = isFlat ? flat : full;
    if (seen.has(id)) continue;
    seen.add(id);
    const node = nodes.get(id);
    if (node === undefined) continue;
    if (isFlat) {
      if (node.parent !== undefined) waiting.push([node.parent, true]);
    } else for (const ref of node.refs) waiting.push([ref, node.isFlat]);
  }
  for (const id of flat) full.add(id);
  return full;
}
