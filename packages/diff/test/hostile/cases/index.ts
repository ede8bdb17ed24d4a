import { attributes } from './attributes.ts';
import { breakouts } from './breakouts.ts';
import { extended } from './extended.ts';
import { fields } from './fields.ts';
import { format } from './format.ts';
import type { HostileCase } from './hostile-case.ts';
import { names } from './names.ts';
import { outside } from './outside.ts';
import { removals, types } from './types.ts';

/** All named cases. A name, once given, stays: reports refer to it. */
export const hostileCases: readonly HostileCase[] = [
  ...breakouts,
  ...outside,
  ...names,
  ...format,
  ...extended,
  ...fields,
  ...attributes,
  ...types,
  ...removals,
];
