import type { CallOptions, Mount, Slot } from '@stowage/core';

/**
 * Makes mounts of one type that the kernel does not know. The type is the id of the plugin that offers it.
 *
 * @see containerd core/mount/manager.go Handler
 */
export interface MountHandler {
  /**
   * @param at - The mount point: a path where nothing is, in a directory of the activation's own. Whatever is made there
   *   is what tells, after a crash, that there is something to undo.
   * @returns facts about it, for whoever asks.
   */
  mount(mount: Mount, at: string, options?: CallOptions): Promise<Readonly<Record<string, string>>>;
  /**
   * Undoes it, as far as it was done, and leaves nothing at `at`. Nothing there is a success.
   *
   * @throws Fault `failed_precondition` while somebody uses it, unless `isAbandoned`: then nobody does who has a right to.
   */
  unmount(at: string, options?: UnmountHandlerOptions): Promise<void>;
  /** Whether it is there, as it was made. A reboot undoes mounts and not files. */
  isMounted(at: string, options?: CallOptions): Promise<boolean>;
}

export interface UnmountHandlerOptions extends CallOptions {
  readonly isAbandoned?: boolean | undefined;
}

/** One handler per plugin id, which is the type of mount: `loop`. */
export const mountHandlerSlot: Slot<MountHandler> = { type: 'io.containerd.mount-handler.v1', api: 1 };
