import { createRouterTransport } from '@connectrpc/connect';
import { afterAll, describe, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import { rawSnapshotService } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import { snapshotRoutes } from '@stowage/snapshots/service';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';

const runner = { describe, test, skip: test.skip };
const mounter = new Mounter();
afterAll(() => mounter[Symbol.asyncDispose]());

const open = (root: string) => OverlaySnapshotter.open(root, { skipProbe: true });

snapshotterConformance(
  {
    name: 'overlayfs',
    capabilities: new Set(['mounts', 'reopen', 'own-usage', 'rebase']),
    open,
    mount: mounter.withMount.bind(mounter),
  },
  runner,
);

// What mounts show is the same at both ends, and the cases above have looked.
snapshotterConformance(
  {
    name: 'overlayfs over Connect',
    capabilities: new Set(['reopen', 'rebase']),
    async open(root) {
      const local = await open(root);
      const service = rawSnapshotService(new Map([['overlayfs', local]]));
      const remote = remoteSnapshotter(createRouterTransport(snapshotRoutes(service)), 'overlayfs');
      return { ...remote, [Symbol.asyncDispose]: () => local[Symbol.asyncDispose]() };
    },
  },
  runner,
);
