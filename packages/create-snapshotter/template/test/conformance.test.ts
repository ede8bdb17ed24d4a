import { after, describe, test } from 'node:test';
import { Mounter } from '@stowage/linux/mounter';
import { type Capability, snapshotterConformance } from '@stowage/snapshots-conformance';
import { openMySnapshotter } from '../src/index.ts';

const mounter = new Mounter();
after(() => mounter[Symbol.asyncDispose]());

const capabilities = new Set<Capability>(['reopen']);
// To mount takes root; without, what is in the snapshots stays untested.
if (process.getuid?.() === 0) capabilities.add('mounts');

snapshotterConformance(
  { name: 'my-snapshotter', capabilities, open: openMySnapshotter, mount: mounter.withMount.bind(mounter) },
  { describe, test, skip: test.skip },
);
