import { afterAll, describe, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';

const mounter = new Mounter();
afterAll(() => mounter[Symbol.asyncDispose]());

snapshotterConformance(
  {
    name: 'overlayfs',
    capabilities: new Set(['mounts', 'reopen', 'own-usage', 'rebase']),
    open: (root) => OverlaySnapshotter.open(root, { skipProbe: true }),
    mount: mounter.withMount.bind(mounter),
  },
  { describe, test, skip: test.skip },
);
