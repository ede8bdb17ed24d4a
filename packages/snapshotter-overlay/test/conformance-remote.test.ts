import { createRouterTransport } from '@connectrpc/connect';
import { describe, test } from '@jest/globals';
import { rawSnapshotService } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { snapshotRoutes } from '@stowage/snapshots/service';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';

// What mounts show is the same at both ends, and the kit has looked at this one.
snapshotterConformance(
  {
    name: 'overlayfs over Connect',
    capabilities: new Set(['reopen', 'rebase']),
    async open(root) {
      const local = await OverlaySnapshotter.open(root, { skipProbe: true });
      const service = rawSnapshotService(new Map([['overlayfs', local]]));
      const remote = remoteSnapshotter(createRouterTransport(snapshotRoutes(service)), 'overlayfs');
      return { ...remote, [Symbol.asyncDispose]: () => local[Symbol.asyncDispose]() };
    },
  },
  { describe, test, skip: test.skip },
);
