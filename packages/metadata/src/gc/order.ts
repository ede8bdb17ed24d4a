import type { Node } from '@stowage/gc';
import type { Pieces } from './pieces.ts';

/**
 * Puts objects in an order in which each comes after all that keep it, in pages to be deleted at once. So at no time is
 * anything there of which a part is gone. Objects that keep each other are in one page, however many.
 */
export async function holdersFirst(
  nodes: ReadonlyMap<string, Node>,
  keys: readonly string[],
  pieces: Pieces,
): Promise<string[][]> {
  const groups = await knots(nodes, keys, pieces);
  const pages: string[][] = [];
  let page: string[] = [];
  // A knot is found after all that it keeps.
  for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
    await pieces.step();
    if (page.length > 0 && page.length + group.length > pieces.size) {
      pages.push(page);
      page = [];
    }
    for (const key of group) page.push(key);
  }
  if (page.length > 0) pages.push(page);
  return pages;
}

/**
 * Objects that keep each other, and each other object by itself; what something keeps before the thing itself.
 *
 * @see Tarjan, Depth-first search and linear graph algorithms, 1972; without recursion
 */
async function knots(
  nodes: ReadonlyMap<string, Node>,
  keys: readonly string[],
  pieces: Pieces,
): Promise<string[][]> {
  const indexOf = new Map<string, number>();
  for (const [index, key] of keys.entries()) {
    await pieces.step();
    indexOf.set(key, index);
  }
  /** In which order each was found, from 1; and the first found of those that it leads back to. */
  const found = new Int32Array(keys.length);
  const back = new Int32Array(keys.length);
  const isOpen = new Uint8Array(keys.length);
  const open: number[] = [];
  const path: Array<{ readonly index: number; readonly refs: readonly string[]; next: number }> = [];
  const groups: string[][] = [];
  let count = 0;
  const enter = (index: number): void => {
    count += 1;
    found[index] = count;
    back[index] = count;
    isOpen[index] = 1;
    open.push(index);
    path.push({ index, refs: nodes.get(keys[index] ?? '')?.refs ?? [], next: 0 });
  };
  const leadsTo = (index: number, seen: number | undefined): void => {
    back[index] = Math.min(back[index] ?? 0, seen ?? 0);
  };
  for (let start = 0; start < keys.length; start += 1) {
    if (found[start] === 0) enter(start);
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      await pieces.step();
      const ref = at.refs[at.next];
      at.next += 1;
      if (ref !== undefined) {
        const to = indexOf.get(ref);
        if (to === undefined) continue;
        if (found[to] === 0) enter(to);
        else if (isOpen[to] === 1) leadsTo(at.index, found[to]);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above !== undefined) leadsTo(above.index, back[at.index]);
      if (back[at.index] !== found[at.index]) continue;
      const group = open.splice(open.lastIndexOf(at.index));
      for (const index of group) isOpen[index] = 0;
      groups.push(group.map((index) => keys[index] ?? ''));
    }
  }
  return groups;
}
