import type { CallOptions } from '@stowage/core';
import type { Usage, UsageOf } from '../inspector.ts';
import { freedBy } from './freed.ts';
import { type Place, stepsFrom } from './holders.ts';
import type { Picture } from './picture.ts';
import type { Sheet } from './sheet.ts';
import { type Known, surveyKey } from './survey.ts';
import { turns } from './turns.ts';
import { type Unit, unitKey, unitsFreed } from './units.ts';

/** Of those who keep others: all that they keep, and what goes with them. */
export async function holderLine(
  sheet: Sheet,
  picture: Picture,
  used: ReadonlySet<string>,
  of: UsageOf,
  holders: readonly Known[],
  { signal }: CallOptions,
): Promise<Usage> {
  const kept = await unitsBelow(picture, holders, { signal });
  const freed = async (those: readonly Known[]) => {
    const keys = new Set(those.map(({ key }) => key));
    return unitsFreed(picture, await freedBy(picture, keys, { signal }));
  };
  const unique = await freed(holders);
  const isIdle = (known: Known) => known.id.kind === 'images' && !used.has(targetOf(known) ?? '');
  const spare = holders.every(isIdle) ? unique : await freed(holders.filter(isIdle));
  const columnsOf = (unit: Unit) => {
    const isUnique = unique.has(unit);
    const isDead = !unit.records.some(({ key }) => picture.isLive(key));
    return { isUnique, isShared: !isUnique && !isDead, isReclaimable: isDead || spare.has(unit) };
  };
  return sheet.line(of, holders.length, kept, columnsOf, { signal });
}

/** Targets of images that some container was made from, by whichever of the image's names. */
export function usedTargets({ nodes }: Picture): ReadonlySet<string> {
  const used = new Set<string>();
  for (const { id, image } of nodes.values()) {
    if (image === '') continue;
    const { namespace } = id;
    const named = nodes.get(surveyKey({ namespace, kind: 'images', name: image, snapshotter: '' }));
    const target = named && targetOf(named);
    if (target !== undefined) used.add(target);
  }
  return used;
}

function targetOf({ refs, whys }: Known): string | undefined {
  return refs[whys.findIndex(({ by }) => by === 'target')];
}

/** What objects keep, whether or not anything keeps them. */
async function unitsBelow(
  { nodes, units }: Picture,
  objects: readonly Known[],
  { signal }: CallOptions,
): Promise<ReadonlySet<Unit>> {
  const turn = turns(signal);
  const found = new Set<Unit>();
  const seen = { full: new Set<string>(), flat: new Set<string>() };
  const waiting: Place[] = objects.map(({ key }) => ({ key, isFlat: false }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    await turn();
    const { key, isFlat } = next;
    const known = isFlat ? seen.flat : seen.full;
    const node = nodes.get(key);
    if (node === undefined || known.has(key)) continue;
    known.add(key);
    const unit = units.get(unitKey(node) ?? '');
    if (unit !== undefined) found.add(unit);
    waiting.push(...stepsFrom(node, isFlat));
  }
  return found;
}
