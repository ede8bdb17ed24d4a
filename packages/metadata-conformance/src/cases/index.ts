import type { Case } from '../subject.ts';
import { containerCases } from './containers.ts';
import { eventCases } from './events.ts';
import { filterCases } from './filters.ts';
import { imageCases } from './images.ts';
import { labelCases } from './labels.ts';
import { leaseCases } from './leases.ts';
import { maskCases } from './masks.ts';
import { namespaceCases } from './namespaces.ts';
import { objectCases } from './objects.ts';
import { sandboxCases } from './sandboxes.ts';
import { signalCases } from './signals.ts';

/** Every rule, in the order in which they build on each other. */
export const cases: readonly Case[] = [
  ...objectCases,
  ...labelCases,
  ...maskCases,
  ...filterCases,
  ...namespaceCases,
  ...imageCases,
  ...containerCases,
  ...sandboxCases,
  ...leaseCases,
  ...eventCases,
  ...signalCases,
];
