import type { Mount } from '@stowage/core';
import { MNT_DETACH, mountAll, umountAll, umountTree } from './mount.ts';
import { serveCalls } from './serve-calls.ts';
import { syncfs } from './sync.ts';

/** What a {@link Mounter} asks of its worker. */
const operations = {
  mount: (mounts: readonly Mount[], target: string): string[] => mountAll(mounts, target),
  unmount: (target: string, lazy: boolean, recursive: boolean): number =>
    (recursive ? umountTree : umountAll)(target, lazy ? MNT_DETACH : 0),
  syncfs: (path: string): void => syncfs(path),
};

export type MountOperations = typeof operations;

serveCalls(operations);
