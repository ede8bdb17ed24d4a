import type { Mount } from '@stowage/core';
import { attachLoop, detachLoop, isLoopAttached, type LoopOptions } from './loop.ts';
import { makeDirectory, type NewDirectory, openDirectory } from './make-directory.ts';
import { MNT_DETACH, mountAll, umountAll, umountTree } from './mount.ts';
import { serveCalls } from './serve-calls.ts';
import { syncfs } from './sync.ts';

/** What a {@link Mounter} asks of its worker. */
const operations = {
  mount: (mounts: readonly Mount[], target: string): string[] => mountAll(mounts, target),
  unmount: (target: string, lazy: boolean, recursive: boolean): number =>
    (recursive ? umountTree : umountAll)(target, lazy ? MNT_DETACH : 0),
  attachLoop: (source: string, link: string, options: LoopOptions): string =>
    attachLoop(source, link, options),
  detachLoop: (link: string, mark: string): void => detachLoop(link, mark),
  isLoopAttached: (link: string, mark: string): boolean => isLoopAttached(link, mark),
  openDirectory: (root: string, path: string): number => openDirectory(root, path),
  makeDirectory: (root: string, path: string, how: NewDirectory): void => makeDirectory(root, path, how),
  syncfs: (path: string): void => syncfs(path),
};

export type MountOperations = typeof operations;

serveCalls(operations);
