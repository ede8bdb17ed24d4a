import type { ObjectGraph } from './object-graph.ts';
import type { Pieces } from './pieces.ts';

/**
 * Puts objects in an order in which each comes after all that keep it, in pages to be deleted at once. So at no time is
 * anything there of which a part is gone. Objects that keep each other are in one page, however many.
 */
export async function holdersFirst(
  graph: ObjectGraph,
  objects: Int32Array,
  pieces: Pieces,
): Promise<Int32Array[]> {
  const { order, ends } = await knots(graph, objects, pieces);
  const pages: Int32Array[] = [];
  // From behind, because a knot is found after all that it keeps.
  let last = order.length;
  let begin = last;
  for (let at = order.length - 1; at >= 0; at -= 1) {
    await pieces.step();
    const beginsKnot = at === 0 || ends[at - 1] === 1;
    if (!beginsKnot) continue;
    if (begin < last && last - at > pieces.size) {
      pages.push(order.slice(begin, last).reverse());
      last = begin;
    }
    begin = at;
  }
  if (begin < last) pages.push(order.slice(begin, last).reverse());
  return pages;
}

/**
 * Finds what keeps each other.
 *
 * @returns the objects, those that keep each other side by side, what something keeps before the thing itself; and where
 *   the last of each such knot is.
 * @see Tarjan, Depth-first search and linear graph algorithms, 1972; without recursion
 */
async function knots(
  graph: ObjectGraph,
  objects: Int32Array,
  pieces: Pieces,
): Promise<{ readonly order: Int32Array; readonly ends: Uint8Array }> {
  /** By object: 1 if it is one of those. */
  const isOne = new Uint8Array(graph.size);
  for (const object of objects) isOne[object] = 1;
  /** By object: in which order it was found, from 1; and the first found of those that it leads back to. */
  const found = new Int32Array(graph.size);
  const back = new Int32Array(graph.size);
  const isOpen = new Uint8Array(graph.size);
  const open: number[] = [];
  const path: number[] = [];
  /** Of each object of the path, the link to follow next. */
  const links: number[] = [];
  const order = new Int32Array(objects.length);
  const ends = new Uint8Array(objects.length);
  let count = 0;
  let placed = 0;
  const enter = (object: number): void => {
    count += 1;
    found[object] = count;
    back[object] = count;
    isOpen[object] = 1;
    open.push(object);
    path.push(object);
    links.push(graph.firstLink(object));
  };
  const leadsTo = (object: number, seen = 0): void => {
    back[object] = Math.min(back[object] ?? 0, seen);
  };
  for (const start of objects) {
    if (found[start] === 0) enter(start);
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      await pieces.step();
      const link = links.pop() ?? 0;
      if (link !== 0) {
        links.push(graph.nextLink(link));
        const to = graph.targetOf(link);
        if (isOne[to] !== 1) continue;
        if (found[to] === 0) enter(to);
        else if (isOpen[to] === 1) leadsTo(at, found[to]);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above !== undefined) leadsTo(above, back[at]);
      if (back[at] !== found[at]) continue;
      let member: number | undefined;
      do {
        member = open.pop();
        if (member === undefined) break;
        isOpen[member] = 0;
        order[placed] = member;
        placed += 1;
      } while (member !== at);
      ends[placed - 1] = 1;
    }
  }
  return { order, ends };
}
