import { describe, test } from '@jest/globals';
import { contentConformance } from '@stowage/content-conformance';
import { MemoryContentStore } from '../src/index.ts';

contentConformance(
  {
    name: 'MemoryContentStore',
    capabilities: new Set(['labels', 'truncate']),
    open: async () => new MemoryContentStore(),
  },
  { describe, test, skip: test.skip },
);
