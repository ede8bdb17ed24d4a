import { constants, realpathSync } from 'node:fs';
import type { Mount } from '@stowage/core';
import { O_PATH, open } from '@stowage/linux';
import { CLONE_NEWNS, chroot, fchdir, setns } from '@stowage/linux/blocking';
import { enterPrivateRoot, type PrivateRoot } from '@stowage/linux/confine';

/**
 * A worker's way into a mount namespace of its own and back, for each unpack anew. A namespace is a copy of all mounts
 * as they are at that moment: one kept between unpacks would lack what is mounted later and would hold, unseen, what
 * others have unmounted.
 */
export class OwnMounts {
  readonly #namespace: number;
  readonly #root: number;

  /** To be made while this thread still shares the process's mounts and root. */
  constructor() {
    this.#namespace = open('/proc/thread-self/ns/mnt', constants.O_RDONLY);
    this.#root = open('/', O_PATH | constants.O_DIRECTORY);
  }

  /**
   * Runs `work` with mounts, root, working directory and umask of this thread's own; afterwards its mounts are gone.
   *
   * Anything it throws that `work` did not leaves the thread who knows where: it must end.
   *
   * @param paths - What jails will be made of, and where. What is mounted elsewhere is let go for the time.
   */
  run<T>(paths: readonly string[], work: (root: PrivateRoot) => T): T {
    try {
      using root = enterPrivateRoot(paths.flatMap(realPath));
      return work(root);
    } finally {
      // Entering a namespace makes its root directory the thread's, which need not be the process's.
      setns(this.#namespace, CLONE_NEWNS);
      fchdir(this.#root);
      chroot('.');
    }
  }
}

/** Absent is no failure here: the mount will say so. */
function realPath(path: string): string[] {
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
