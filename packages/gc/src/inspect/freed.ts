import type { CallOptions } from '@stowage/core';
import { type Place, stepsFrom, stepsTo } from './holders.ts';
import type { Picture } from './picture.ts';
import type { Known } from './survey.ts';
import { turns } from './turns.ts';

/**
 * Keys of what would no longer be reached if some objects were removed: those, and what is reached through them alone.
 * Looks only at what they keep, and so is quick for one image among many.
 */
export async function freedBy(
  { nodes, reached, holders }: Picture,
  removed: ReadonlySet<string>,
  { signal }: CallOptions = {},
): Promise<ReadonlySet<string>> {
  const turn = turns(signal);
  const of = (isFlat: boolean) => (isFlat ? reached.flat : reached.full);
  // All that the walk came to through what is removed.
  const below = new Places();
  const waiting: Place[] = [];
  for (const key of removed)
    for (const isFlat of [false, true]) if (of(isFlat).has(key)) waiting.push({ key, isFlat });
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    await turn();
    const node = nodes.get(next.key);
    if (node === undefined || !below.add(next)) continue;
    waiting.push(...stepsFrom(node, next.isFlat));
  }
  // Of that, what is reached otherwise too: as a root, or from outside.
  const stays = new Places();
  for (const place of below) {
    await turn();
    const isRoot = !place.isFlat && !removed.has(place.key) && nodes.get(place.key)?.root !== undefined;
    if (isRoot || isReachedFromOutside(place)) waiting.push(place);
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    await turn();
    const node = nodes.get(next.key);
    if (node === undefined || !stays.add(next)) continue;
    waiting.push(
      ...(removed.has(next.key) ? stepsFromName(node, next.isFlat) : stepsFrom(node, next.isFlat)),
    );
  }
  const freed = new Set<string>();
  for (const { key } of below) {
    const isHeld = [false, true].some((isFlat) => {
      const place = { key, isFlat };
      return of(isFlat).has(key) && (!below.has(place) || stays.has(place));
    });
    if (!isHeld || removed.has(key)) freed.add(key);
  }
  return freed;

  function isReachedFromOutside(place: Place): boolean {
    for (const { from, isFlat } of stepsTo(place, reached, holders))
      if (!below.has({ key: from.key, isFlat })) return true;
    return false;
  }
}

/** What is removed keeps nothing itself, but others live while its name is kept. */
function* stepsFromName({ refs, whys }: Known, isFlat: boolean): Generator<Place> {
  for (const [i, key] of refs.entries()) if (!isFlat && whys[i]?.by === 'back-label') yield { key, isFlat };
}

/** Places of a walk, each once. */
class Places implements Iterable<Place> {
  readonly #full = new Set<string>();
  readonly #flat = new Set<string>();

  /** @returns whether it is new. */
  add({ key, isFlat }: Place): boolean {
    const keys = isFlat ? this.#flat : this.#full;
    return keys.size < keys.add(key).size;
  }

  has({ key, isFlat }: Place): boolean {
    return (isFlat ? this.#flat : this.#full).has(key);
  }

  *[Symbol.iterator](): Generator<Place> {
    for (const key of this.#full) yield { key, isFlat: false };
    for (const key of this.#flat) yield { key, isFlat: true };
  }
}
