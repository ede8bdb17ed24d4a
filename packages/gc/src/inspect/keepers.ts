import type { CallOptions } from '@stowage/core';
import { type Place, stepsFrom } from './holders.ts';
import type { Survey } from './survey.ts';
import { turns } from './turns.ts';

/** Stands for more than one root. */
export const SEVERAL = Symbol('several roots');

/** By object: the only root that keeps it, or that there are several. */
export type Keepers = ReadonlyMap<string, string | typeof SEVERAL>;

/** The only root that keeps each object that is kept, or that there are several. */
export async function keepersIn({ nodes, roots }: Survey, { signal }: CallOptions = {}): Promise<Keepers> {
  const full = new Map<string, string | typeof SEVERAL>();
  const flat = new Map<string, string | typeof SEVERAL>();
  const waiting: Array<readonly [Place, by: string | typeof SEVERAL]> = [];
  const turn = turns(signal);
  for (const root of roots) {
    waiting.push([{ key: root, isFlat: false }, root]);
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      await turn();
      const [place, by] = next;
      const known = place.isFlat ? flat : full;
      const before = known.get(place.key);
      if (before === by || before === SEVERAL) continue;
      const now = before === undefined ? by : SEVERAL;
      known.set(place.key, now);
      const node = nodes.get(place.key);
      if (node !== undefined) for (const on of stepsFrom(node, place.isFlat)) waiting.push([on, now]);
    }
  }
  for (const [key, by] of flat) {
    const other = full.get(key);
    full.set(key, other === undefined || other === by ? by : SEVERAL);
  }
  return full;
}
