import type { Picture } from './picture.ts';

/** Objects that nothing keeps and that can't go all the same: a snapshot of a snapshotter that is not here, and its parents. */
export function stuckIn(picture: Picture): ReadonlySet<string> {
  const { nodes } = picture;
  const stuck = new Set<string>();
  for (const { key, isStuck } of nodes.values()) {
    if (!isStuck) continue;
    for (let at = nodes.get(key); at !== undefined; at = nodes.get(at.parent ?? '')) {
      if (picture.isLive(at.key) || stuck.has(at.key)) break;
      stuck.add(at.key);
    }
  }
  return stuck;
}
