import { snapshotterPlugin } from '@stowage/snapshots';
import { DirectorySnapshotter, type DirectorySnapshotterOptions } from '@stowage/snapshots-store';
import { copies } from './copies.ts';

/** Opens the snapshotter at a directory of its own, which is made if it is not there. */
export function openMySnapshotter(
  root: string,
  options?: DirectorySnapshotterOptions,
): Promise<DirectorySnapshotter> {
  return DirectorySnapshotter.open(root, copies, options);
}

/** What stowaged loads when its config says `packages = ['my-snapshotter']`. */
export const plugins = [
  snapshotterPlugin({ id: 'my-snapshotter', open: (root, { log }) => openMySnapshotter(root, { log }) }),
];
