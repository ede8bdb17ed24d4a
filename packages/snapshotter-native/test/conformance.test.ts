import { afterAll, describe, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import { snapshotterConformance } from '@stowage/snapshots-conformance';
import { NativeSnapshotter } from '@stowage/snapshotter-native';

const mounter = new Mounter();
afterAll(() => mounter[Symbol.asyncDispose]());

snapshotterConformance(
  {
    name: 'native',
    capabilities: new Set(['mounts', 'reopen']),
    open: (root) => NativeSnapshotter.open(root),
    mount: mounter.withMount.bind(mounter),
  },
  { describe, test, skip: test.skip },
);
