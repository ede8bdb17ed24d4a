import { churn } from './churn.ts';
import { death } from './death.ts';
import { eio } from './eio.ts';
import { exhaustion } from './exhaustion.ts';
import { full } from './full.ts';
import { kill } from './kill.ts';
import type { Nemesis } from './nemesis.ts';
import { power } from './power.ts';
import { restart } from './restart.ts';
import { rollback } from './rollback.ts';
import { slow } from './slow.ts';

/** All there are, in the order in which they are played. */
export const nemeses: readonly Nemesis[] = [
  kill,
  power,
  full,
  eio,
  restart,
  slow,
  death,
  exhaustion,
  churn,
  rollback,
];
