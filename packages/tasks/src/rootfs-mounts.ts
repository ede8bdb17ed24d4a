import type { Logger } from '@stowage/core';
import {
  type CallOptions,
  Fault,
  LABEL,
  type Mount,
  reasonOf,
  type Scope,
  type Scoped,
  unlessGone,
} from '@stowage/core';
import type { MountManager } from '@stowage/mounts';

/** Ties an activation to the life of a container, and tells that it is of the container's task. */
const OF_CONTAINER = `${LABEL.gcBackRef}.container`;

/**
 * Activates the mounts of tasks that need more than the kernel, under the name of the container, as containerd does
 * (core/runtime/v2/task_manager.go). What this forgets, because the daemon dies, garbage collection undoes with the
 * container.
 */
export class RootfsMounts {
  readonly #mounts: Scoped<MountManager> | undefined;
  readonly #log: Logger;

  /** @param mounts - Undefined: there is no mount manager. Runtimes are given all mounts as they are then. */
  constructor(mounts: Scoped<MountManager> | undefined, log: Logger) {
    this.#mounts = mounts;
    this.#log = log;
  }

  /**
   * @returns the mounts that are left to the runtime: all of them, if none needs more.
   * @throws Fault `already_exists` if somebody else has activated mounts under this name; what activating fails with.
   */
  async activate(
    scope: Scope,
    id: string,
    rootfs: readonly Mount[],
    { signal }: CallOptions,
  ): Promise<readonly Mount[]> {
    if (this.#mounts === undefined || rootfs.length === 0) return rootfs;
    const mounts = this.#mounts(scope);
    const labels = { [OF_CONTAINER]: id };
    try {
      return (await mounts.activate(id, rootfs, { labels, signal })).system;
    } catch (e) {
      if (Fault.is(e, 'unimplemented')) return rootfs;
      // There is no such task, so it is left of one whose end this has not seen.
      if (!Fault.is(e, 'already_exists') || !(await undone(mounts, id, { signal }))) throw e;
      return (await mounts.activate(id, rootfs, { labels, signal })).system;
    }
  }

  /** Undoes the mounts of a task that is gone. A failure is logged: what its caller asked for is done. */
  async deactivate(scope: Scope, id: string, options: CallOptions = {}): Promise<void> {
    if (this.#mounts === undefined) return;
    try {
      await undone(this.#mounts(scope), id, options);
    } catch (e) {
      this.#log.warn(
        { namespace: scope.namespace, id, reason: reasonOf(e) },
        'mounts of a task stay until garbage collection undoes them with its container',
      );
    }
  }
}

/** Undoes an activation if it is of this container's task. @returns whether there was one. */
async function undone(mounts: MountManager, id: string, options: CallOptions): Promise<boolean> {
  const found = await unlessGone(mounts.info(id, options));
  if (found?.labels[OF_CONTAINER] !== id) return false;
  await unlessGone(mounts.deactivate(id, options));
  return true;
}
