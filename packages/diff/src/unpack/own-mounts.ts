import { realpathSync } from 'node:fs';
import type { Mount } from '@stowage/core';
import { CLONE_NEWNS, chroot, fchdir, setns } from '@stowage/linux/blocking';
import { enterPrivateRoot, type PrivateRoot } from '@stowage/linux/confine';

/** Descriptors of where this process is. They are opened by the main thread: a thread that ends closes none. */
export interface HostPlace {
  /** Of its mount namespace. */
  readonly namespace: number;
  /** Of its root directory. */
  readonly root: number;
}

/**
 * Runs `work` with mounts, root, working directory and umask of this thread's own; afterwards its mounts are gone.
 *
 * The namespace is made anew each time. It is a copy of all mounts as they are at that moment: one kept between unpacks
 * would lack what is mounted later and would hold, unseen, what others have unmounted.
 *
 * Anything it throws that `work` did not leaves the thread who knows where: it must end.
 *
 * @param paths - What jails will be made of, and where. What is mounted elsewhere is let go for the time.
 */
export function withOwnMounts<T>(
  host: HostPlace,
  paths: readonly string[],
  work: (root: PrivateRoot) => T,
): T {
  let isElsewhere = false;
  try {
    using root = enterPrivateRoot(paths.flatMap(realPath));
    isElsewhere = true;
    return work(root);
  } finally {
    if (isElsewhere) {
      setns(host.namespace, CLONE_NEWNS);
      // That made the namespace's root directory the thread's, which need not be the process's.
      fchdir(host.root);
      chroot('.');
    }
  }
}

/** Absent is no failure here: the mount will say so. */
export function realPath(path: string): string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return [];
  }
}

/** Every path that mounts name: sources, and what options such as `lowerdir` list. */
export function pathsOf(mounts: readonly Mount[]): string[] {
  const values = mounts.flatMap(({ source, options }) => [
    source,
    ...options.flatMap((option) => option.slice(option.indexOf('=') + 1).split(/(?<!\\):/)),
  ]);
  return values.filter((value) => value.startsWith('/')).map((value) => value.replace(/\\(.)/g, '$1'));
}
