import { eio } from './eio.ts';
import { full } from './full.ts';
import { kill } from './kill.ts';
import type { Nemesis } from './nemesis.ts';
import { power } from './power.ts';

/** All there are, in the order in which they are played. */
export const nemeses: readonly Nemesis[] = [kill, power, full, eio];
