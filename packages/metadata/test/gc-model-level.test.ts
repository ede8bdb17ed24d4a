import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from '@jest/globals';
import { holdToModel } from './gc-bench.ts';

const LONG = process.env.STOWAGE_LONG !== undefined;
const LIMIT_MS = LONG ? 120_000 : 20_000;

test(
  'on level too, what can be reached stays whole and the rest goes',
  async () => holdToModel(await memoryBacked(), { numRuns: LONG ? 2000 : 100, limitMs: LIMIT_MS }),
  LIMIT_MS + 60_000,
);

/** Where an fsync costs nothing, if there is such a place. */
async function memoryBacked(): Promise<string> {
  return stat('/dev/shm').then(
    () => '/dev/shm',
    () => tmpdir(),
  );
}
