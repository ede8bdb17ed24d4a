import type { CallOptions } from '@stowage/core';
import { type Explanation, type Hop, MAX_ROOTS, type Root, type Why } from '../inspector.ts';
import type { ObjectId } from '../object.ts';
import { type Place, type Step, stepsTo } from './holders.ts';
import type { Picture } from './picture.ts';
import { type Known, surveyKey } from './survey.ts';
import { turns } from './turns.ts';

/** How the search came to a place: by the step that leads from there towards the object. */
type Onward = { readonly why: Why; readonly to: Found } | undefined;
interface Found extends Place {
  readonly node: Known;
  readonly onward: Onward;
  readonly hops: number;
}

/** Searches from the object back to the roots, nearest first. */
export async function explain(
  picture: Picture,
  object: ObjectId,
  { signal }: CallOptions = {},
): Promise<Explanation> {
  const key = surveyKey(object);
  const node = picture.nodes.get(key);
  if (node === undefined || node.isAbsent) return { verdict: 'absent', object };
  if (!picture.isLive(key)) return { verdict: 'garbage', object };
  const { reached, holders } = picture;

  const roots: Found[] = [];
  const seen = { full: new Set<string>(), flat: new Set<string>() };
  let ring: Found[] = [];
  const visit = (found: Found, next: Found[]) => {
    const known = found.isFlat ? seen.flat : seen.full;
    if (known.has(found.key)) return;
    known.add(found.key);
    next.push(found);
  };
  for (const isFlat of [false, true])
    if ((isFlat ? reached.flat : reached.full).has(key))
      visit({ key, isFlat, node, onward: undefined, hops: 0 }, ring);
  const turn = turns(signal);
  while (ring.length > 0) {
    const next: Found[] = [];
    for (const found of ring) {
      await turn();
      if (found.node.root !== undefined && !found.isFlat) roots.push(found);
      const steps = [...stepsTo(found, reached, holders)].sort(inOrder);
      for (const { from, isFlat, why } of steps) {
        const onward = { why, to: found };
        visit({ key: from.key, isFlat, node: from, onward, hops: found.hops + 1 }, next);
      }
    }
    ring = next;
  }
  roots.sort(lastingFirst);
  const [best] = roots;
  if (best === undefined) throw new Error(`the walk reached ${key} and no way leads back`);
  return {
    verdict: 'kept',
    object,
    path: pathFrom(best),
    roots: roots.slice(0, MAX_ROOTS).map(rootOf),
    rootCount: roots.length,
    until: best.node.until,
  };
}

function rootOf({ node: { id, root = { by: 'itself' }, until } }: Found): Root {
  return { object: id, why: root, until };
}

function pathFrom(root: Found): Hop[] {
  const path: Hop[] = [rootOf(root)].map(({ object, why }) => ({ object, why }));
  for (let { onward } = root; onward !== undefined; { onward } = onward.to)
    path.push({ object: onward.to.node.id, why: onward.why });
  return path;
}

function lastingFirst(a: Found, b: Found): number {
  const byTime = (b.node.until?.getTime() ?? Infinity) - (a.node.until?.getTime() ?? Infinity);
  if (byTime > 0 || byTime < 0) return byTime;
  return a.hops - b.hops || compare(a.key, b.key);
}

/** So that the same objects are explained by the same path, in whatever order they were read. */
function inOrder(a: Step, b: Step): number {
  return compare(a.from.key, b.from.key) || compare(wordOf(a.why), wordOf(b.why));
}

function wordOf(why: Why): string {
  return 'label' in why ? `${why.by} ${why.label}` : why.by;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
