import { tmpdir } from 'node:os';
import { jest, test } from '@jest/globals';
import { MemoryLevel } from 'memory-level';

// Level's own sibling, which keeps a sorted tree instead of files, so that there is time for many programs.
jest.unstable_mockModule('level', () => ({
  Level: class extends MemoryLevel<string, Uint8Array> {
    constructor(_path: string, options: ConstructorParameters<typeof MemoryLevel<string, Uint8Array>>[0]) {
      super(options);
    }
  },
}));
const { holdToModel } = await import('./gc-bench.ts');

const LONG = process.env.STOWAGE_LONG !== undefined;
const LIMIT_MS = LONG ? 90 * 60_000 : 60_000;

test(
  'whatever clients do in the pauses of a collection, what can be reached stays whole and the rest goes',
  () => holdToModel(tmpdir(), { numRuns: LONG ? 100_000 : 1000, limitMs: LIMIT_MS }),
  LIMIT_MS + 60_000,
);
