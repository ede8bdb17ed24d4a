import { describe, test } from '@jest/globals';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from '../src/index.ts';

snapshotterConformance(
  {
    name: 'MemorySnapshotter',
    capabilities: new Set(['own-usage']),
    open: async () => new MemorySnapshotter(),
  },
  { describe, test, skip: test.skip },
);
snapshotterConformance(
  {
    name: 'MemorySnapshotter that rebases',
    capabilities: new Set(['own-usage', 'rebase']),
    open: async () => new MemorySnapshotter({ rebase: true }),
  },
  { describe, test, skip: test.skip },
);
