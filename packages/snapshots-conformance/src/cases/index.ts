import type { Case } from '../subject.ts';
import { commitCases } from './commit.ts';
import { createCases } from './create.ts';
import { fileCases } from './files.ts';
import { keyCases } from './keys.ts';
import { layerCases } from './layers.ts';
import { lifecycleCases } from './lifecycle.ts';
import { listCases } from './lists.ts';
import { messageCases } from './messages.ts';
import { removeCases } from './remove.ts';
import { reopenCases } from './reopen.ts';
import { signalCases } from './signals.ts';
import { targetCases } from './targets.ts';
import { updateCases } from './update.ts';
import { usageCases } from './usage.ts';

/** The whole contract. Data, so that a test runner, a command line or a table in a README can be made of it. */
export const cases: readonly Case[] = [
  ...createCases,
  ...commitCases,
  ...removeCases,
  ...lifecycleCases,
  ...updateCases,
  ...listCases,
  ...keyCases,
  ...usageCases,
  ...messageCases,
  ...signalCases,
  ...targetCases,
  ...reopenCases,
  ...layerCases,
  ...fileCases,
];
