import { createRouterTransport } from '@connectrpc/connect';
import { describe, test } from '@jest/globals';
import { rawSnapshotService } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { snapshotRoutes } from '@stowage/snapshots/service';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';

const runner = { describe, test, skip: test.skip };
const capabilities = new Set([]);

snapshotterConformance(
  { name: 'in memory', capabilities, open: async () => new MemorySnapshotter() },
  runner,
);

snapshotterConformance(
  {
    name: 'in memory, over Connect',
    capabilities,
    async open() {
      const service = rawSnapshotService(new Map([['memory', new MemorySnapshotter()]]));
      return remoteSnapshotter(createRouterTransport(snapshotRoutes(service)), 'memory');
    },
  },
  runner,
);
