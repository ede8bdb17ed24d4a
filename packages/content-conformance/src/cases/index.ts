import type { Case } from '../subject.ts';
import { abortCases } from './abort.ts';
import { blobCases } from './blobs.ts';
import { commitCases } from './commit.ts';
import { damageCases } from './damage.ts';
import { labelCases } from './labels.ts';
import { listCases } from './lists.ts';
import { readCases } from './reads.ts';
import { resumeCases } from './resume.ts';
import { sharingCases } from './sharing.ts';
import { signalCases } from './signals.ts';
import { verifyCases } from './verify.ts';
import { writerCases } from './writers.ts';

/** The whole contract. Data, so that a test runner, a command line or a table in a README can be made of it. */
export const cases: readonly Case[] = [
  ...blobCases,
  ...readCases,
  ...listCases,
  ...writerCases,
  ...resumeCases,
  ...commitCases,
  ...abortCases,
  ...labelCases,
  ...sharingCases,
  ...verifyCases,
  ...damageCases,
  ...signalCases,
];
