import type { CallOptions, Labels, Mount, Scoped, Slot } from '@stowage/core';

/**
 * Makes mounts that a plain mount(2) can't, and keeps account of them. An *activation* is a list of mounts under one
 * *name*: those up to the last one that needs more than the kernel are made (*active*), those after it are left to
 * whoever asked (*system*), with all that refers to the active ones filled in.
 *
 * What a mount needs is in its type: a prefix chain of *transforms*, then the type itself.
 *
 * | type | what is done |
 * | --- | --- |
 * | `loop` | attaches the source, a file, to a loop device; its mount point is a link to that. Options `ro`, `direct-io` |
 * | `format/<type>` | fills in source, target and options: `{{ source N }}`, `{{ target N }}`, `{{ mount N }}` (mount point) of active mount N, and `{{ overlay N M }}`, the mount points from N to M with colons between |
 * | `mkdir/<type>` | makes the directories of options `X-containerd.mkdir.path=<path>[:<mode>[:<uid>:<gid>]]` |
 * | `mkfs/<type>` | makes the source unless it is there: a file with a filesystem, as options `X-containerd.mkfs.size=`, `.fs=` and `.uuid=` say |
 *
 * @see containerd 2.2 core/mount/manager, docs/mounts.md
 */
export interface MountManager {
  /**
   * Makes what needs to be made, all or nothing.
   *
   * @throws Fault `unimplemented` if no mount needs anything: the caller mounts them as they are then; `already_exists`;
   *   `not_found` if the caller's lease is gone; `invalid_argument` for a name that is empty or too long, too many mounts,
   *   a malformed template or option; what a mount fails with.
   */
  activate(name: string, mounts: readonly Mount[], options?: ActivateOptions): Promise<Activation>;
  /**
   * Undoes the active mounts, the last one first.
   *
   * @throws Fault `not_found`; `failed_precondition` while somebody uses one of them: those after it are undone by then,
   *   and the rest is with the next try.
   */
  deactivate(name: string, options?: CallOptions): Promise<void>;
  /** @throws Fault `not_found` */
  info(name: string, options?: CallOptions): Promise<Activation>;
  /**
   * Changes labels, and nothing else.
   *
   * @param paths - `labels`, `labels.<key>`; none replaces all labels.
   * @throws Fault `not_found`; `invalid_argument` for another path.
   */
  update(name: string, labels: Labels, paths?: readonly string[], options?: CallOptions): Promise<Activation>;
  /** Activations that match any of the filters (fields `name`, `labels`). */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<Activation>;
}

export interface ActivateOptions extends CallOptions {
  /** `containerd.io/gc.bref.container` and the like tie it to the life of something else. */
  readonly labels?: Labels | undefined;
  /** Makes all mounts, so that what is left to the caller is one bind of the last one. */
  readonly temporary?: boolean | undefined;
}

export interface Activation {
  /** Any text, unique in its namespace. */
  readonly name: string;
  /** In the order in which they were made. */
  readonly active: readonly ActiveMount[];
  /** For the caller to make, after the active ones. */
  readonly system: readonly Mount[];
  readonly labels: Labels;
}

/** A mount as it was made: with its type after all transforms, and everything filled in. */
export interface ActiveMount extends Mount {
  readonly mountedAt: Date;
  /** A directory, or what the type's handler makes there. */
  readonly mountPoint: string;
  /** Facts of the handler, such as the loop device: `{ device: '/dev/loop3' }`. */
  readonly data: Readonly<Record<string, string>>;
}

/** Most mounts of one activation (containerd numbers them with a byte). */
export const MOST_MOUNTS = 255;
/** Most text in the mounts of one activation, in UTF-16 units, before and after templates are filled in. */
export const MOST_TEXT = 1 << 20;
/** Longest name of an activation, in UTF-16 units. */
export const LONGEST_NAME = 4096;

/** A manager that others build on, because it can tell beforehand whether it has anything to do. */
export interface MountBackend extends MountManager {
  /**
   * Whether {@link MountManager.activate} would make anything. Costs nothing.
   *
   * @throws Fault `unimplemented` for a transform that is not there; `invalid_argument` for a malformed type.
   */
  isNeeded(mounts: readonly Mount[], options?: Pick<ActivateOptions, 'temporary'>): boolean;
}

/** What makes the mounts, for all namespaces. */
export const mountManagerSlot: Slot<MountBackend> = { type: 'io.containerd.mount-manager.v1', api: 1 };

/** Activations as clients see them, by namespace and lease. */
export const mountServiceSlot: Slot<Scoped<MountManager>> = {
  type: 'io.containerd.service.v1',
  id: 'mounts-service',
  api: 1,
};
