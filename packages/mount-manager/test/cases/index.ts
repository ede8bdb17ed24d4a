import type { Case } from './case.ts';
import { directoryCases } from './directories.ts';
import { filesystemCases } from './filesystems.ts';
import { hostileCases } from './hostile.ts';
import { loopCases } from './loops.ts';
import { recordCases } from './records.ts';
import { undoCases } from './undo.ts';

export const cases: readonly Case[] = [
  ...recordCases,
  ...loopCases,
  ...directoryCases,
  ...filesystemCases,
  ...undoCases,
  ...hostileCases,
];
