import type { CallOptions } from '@stowage/core';
import type { Reached } from '../graph.ts';
import type { Why } from '../inspector.ts';
import type { Known, Survey } from './survey.ts';
import { turns } from './turns.ts';

/** Who keeps an object, and why. */
export interface Holder {
  readonly holder: Known;
  readonly why: Why;
}

/** A survey turned round. */
export async function holdersIn(
  { nodes }: Survey,
  { signal }: CallOptions,
): Promise<ReadonlyMap<string, readonly Holder[]>> {
  const holders = new Map<string, Holder[]>();
  const turn = turns(signal);
  for (const holder of nodes.values()) {
    await turn();
    for (const [i, ref] of holder.refs.entries()) {
      const why = holder.whys[i];
      if (why === undefined) continue;
      const known = holders.get(ref);
      if (known === undefined) holders.set(ref, [{ holder, why }]);
      else known.push({ holder, why });
    }
  }
  return holders;
}

/** A place of the walk: an object, with all that it keeps or as a flat lease keeps it. */
export interface Place {
  readonly key: string;
  readonly isFlat: boolean;
}

/** One step of the walk that led to a place: from where, and why. */
export interface Step {
  readonly from: Known;
  readonly isFlat: boolean;
  readonly why: Why;
}

/** Every step by which the walk came to a place. */
export function* stepsTo(
  { key, isFlat }: Place,
  { full, flat }: Reached,
  holders: ReadonlyMap<string, readonly Holder[]>,
): Generator<Step> {
  for (const { holder, why } of holders.get(key) ?? []) {
    if (holder.isFlat === isFlat && full.has(holder.key)) yield { from: holder, isFlat: false, why };
    if (isFlat && (why.by === 'parent' || why.by === 'target') && flat.has(holder.key))
      yield { from: holder, isFlat: true, why };
  }
}

/** Every place that the walk goes on to. */
export function* stepsFrom(node: Known, isFlat: boolean): Generator<Place> {
  if (isFlat) {
    if (node.parent !== undefined) yield { key: node.parent, isFlat: true };
  } else for (const key of node.refs) yield { key, isFlat: node.isFlat };
}
