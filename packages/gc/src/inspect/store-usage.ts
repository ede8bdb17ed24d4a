import type { Usage, UsageOf } from '../inspector.ts';
import { type Keepers, SEVERAL } from './keepers.ts';
import type { Picture } from './picture.ts';
import type { Sheet } from './sheet.ts';
import type { Unit } from './units.ts';

/** Of what is stored: by how many roots keep it. */
export function storeLine(sheet: Sheet, keepers: Keepers, of: UsageOf, units: readonly Unit[]): Usage {
  const by = new Map(units.map((unit) => [unit, howMany(unit, keepers)]));
  return sheet.line(of, units.length, units, {
    isUnique: (unit) => by.get(unit) === 1,
    isShared: (unit) => by.get(unit) === 2,
    isReclaimable: (unit) => by.get(unit) === 0,
  });
}

/** No root, one, or 2 for several. */
function howMany({ records }: Unit, keepers: Keepers): 0 | 1 | 2 {
  const by = new Set(records.flatMap(({ key }) => keepers.get(key) ?? []));
  if (by.size === 0) return 0;
  return by.size === 1 && !by.has(SEVERAL) ? 1 : 2;
}

/** Of one namespace: what no other has, and what others have as well. */
export function namespaceLine(sheet: Sheet, picture: Picture, namespace: string, count: number): Usage {
  const here = ({ id }: Unit['records'][number]) => id.namespace === namespace;
  const units = [...picture.units.values()].filter(({ records }) => records.some(here));
  return sheet.line({ type: 'namespace', namespace }, count, units, {
    isUnique: ({ records }) => records.every(here),
    isShared: ({ records }) => !records.every(here),
    isReclaimable: ({ records }) => !records.some(({ key }) => picture.isLive(key)),
  });
}
