import type { CallOptions } from '@stowage/core';
import type { Usage, UsageOf } from '../inspector.ts';
import { type Keepers, SEVERAL } from './keepers.ts';
import type { Picture } from './picture.ts';
import type { Sheet } from './sheet.ts';
import type { Unit } from './units.ts';

/** Of what is stored: by how many roots keep it. */
export async function storeLine(
  sheet: Sheet,
  keepers: Keepers,
  of: UsageOf,
  units: readonly Unit[],
  options: CallOptions,
): Promise<Usage> {
  const columnsOf = (unit: Unit) => {
    const by = howMany(unit, keepers);
    return { isUnique: by === 1, isShared: by === 2, isReclaimable: by === 0 };
  };
  return sheet.line(of, units.length, units, columnsOf, options);
}

/** No root, one, or 2 for several. */
function howMany({ records }: Unit, keepers: Keepers): 0 | 1 | 2 {
  const by = new Set(records.flatMap(({ key }) => keepers.get(key) ?? []));
  if (by.size === 0) return 0;
  return by.size === 1 && !by.has(SEVERAL) ? 1 : 2;
}

/** Of one namespace: what no other has, and what others have as well. */
export async function namespaceLine(
  sheet: Sheet,
  picture: Picture,
  namespace: string,
  count: number,
  options: CallOptions,
): Promise<Usage> {
  const here = ({ id }: Unit['records'][number]) => id.namespace === namespace;
  const columnsOf = ({ records }: Unit) => {
    if (!records.some(here)) return undefined;
    const isUnique = records.every(here);
    return {
      isUnique,
      isShared: !isUnique,
      isReclaimable: !records.some(({ key }) => picture.isLive(key)),
    };
  };
  return sheet.line({ type: 'namespace', namespace }, count, picture.units.values(), columnsOf, options);
}
