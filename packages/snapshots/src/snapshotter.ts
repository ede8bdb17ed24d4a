import type { CallOptions, Labels, Mount, Scope, Slot } from '@stowage/core';

/**
 * Layered file systems.
 *
 * A snapshot is one of three kinds. *Active*: it can be written to, by mounting what `prepare` gave; it has a
 * *key*. *View*: like active, but read-only. *Committed*: it never changes again, and can be a *parent*; it has a
 * *name*. Keys and names are one key space: `stat`, `remove` and `usage` take either.
 *
 * To unpack an image: `prepare` a key on the parent (none for the first layer), apply the layer into its mounts,
 * `commit` it under the layer's *chain id*. To run a container: `prepare` a key on the chain id of the last layer.
 *
 * A snapshotter never mounts for its caller: it answers with mounts that whoever needs the files makes. They may be made
 * more than once, at the same time, and in another mount namespace; and stay in use while the snapshotter's process is away.
 *
 * Keys and names are any text that is not empty: a daemon makes them of namespaces, numbers and what its clients say. They
 * are no paths.
 *
 * Every method rejects with the signal's reason when the signal fires; what it was doing has then happened as a whole or not
 * at all, and nothing stays locked.
 *
 * All forms pass `@stowage/snapshots-conformance`.
 *
 * @see containerd core/snapshots/snapshotter.go
 */
export interface Snapshotter {
  /** @throws Fault `not_found` */
  stat(key: string, options?: CallOptions): Promise<SnapshotInfo>;

  /**
   * Changes labels, the only thing about a snapshot that can change. An empty value deletes.
   *
   * @param paths - `labels` or `labels.<key>`, whose key may have dots and slashes; none replaces all labels.
   * @throws Fault `not_found`; `invalid_argument` for another path.
   */
  update(
    key: string,
    labels: Labels,
    paths?: readonly string[],
    options?: CallOptions,
  ): Promise<SnapshotInfo>;

  /**
   * Disk held by one snapshot, not counting its parents. An active one is walked now, so the cost grows with its files; a
   * committed one answers from what was recorded at commit. One that shares nothing with its parent may count all it shows.
   *
   * @throws Fault `not_found`
   */
  usage(key: string, options?: CallOptions): Promise<Usage>;

  /**
   * The mounts of an active snapshot or a view: what `prepare` and `view` answered, after a restart too.
   *
   * @throws Fault `not_found`; `failed_precondition` for a committed one.
   */
  mounts(key: string, options?: CallOptions): Promise<Mount[]>;

  /**
   * Makes an active snapshot.
   *
   * A remote snapshotter has layers without their being unpacked. A caller that is after one says so by the label
   * `containerd.io/snapshot.ref`, whose value is the layer's chain id. If it is there, this makes nothing and refuses with
   * `already_exists`; {@link list} then tells of a committed snapshot with that label, on that parent, and the caller goes on
   * from it without fetching anything. If it is not, the label is one like others.
   *
   * @param parent - name of a committed snapshot; empty for an empty base.
   * @throws Fault `already_exists` if the key is taken, or if a remote snapshotter has the snapshot that the label
   *   `containerd.io/snapshot.ref` names; `not_found` or `invalid_argument` if the parent is missing or not
   *   committed.
   */
  prepare(key: string, parent: string, options?: PrepareOptions): Promise<Mount[]>;

  /** Makes a view. Like {@link prepare}, read-only. */
  view(key: string, parent: string, options?: PrepareOptions): Promise<Mount[]>;

  /**
   * Makes an active snapshot a committed one; its key is gone, and so are its labels but for those given here. When this
   * settles, the snapshot and every file in it survive a power cut.
   *
   * With the capability `rebase`, one that was made without a parent can get one now, so that layers can be unpacked at the
   * same time.
   *
   * @throws Fault `not_found`; `already_exists` if the name is taken (the active one stays);
   *   `failed_precondition` for a view or a committed snapshot.
   */
  commit(name: string, key: string, options?: CommitSnapshotOptions): Promise<void>;

  /**
   * Forgets a snapshot of any kind. It may be mounted still: its files go when they can, at the latest in {@link cleanup}.
   *
   * @throws Fault `not_found`; `failed_precondition` if others are based on it.
   */
  remove(key: string, options?: CallOptions): Promise<void>;

  /**
   * Snapshots that match any of the filters (fields `kind`, `name`, `parent`, `labels`), in any order. What is there all the
   * time comes once; what comes or goes meanwhile may be told or not.
   *
   * @throws Fault `invalid_argument` for a filter that can't be parsed.
   */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<SnapshotInfo>;

  /** Deletes what removals left behind. @throws Fault `unimplemented` if there is never anything to do. */
  cleanup(options?: CallOptions): Promise<void>;
}

export type SnapshotKind = 'view' | 'active' | 'committed';

export interface SnapshotInfo {
  /** Key or name. */
  readonly name: string;
  /** Empty for none. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface Usage {
  /** Sum of apparent file sizes, each inode once. */
  readonly sizeBytes: bigint;
  /** Distinct inodes, directories included. */
  readonly inodes: bigint;
}

export interface PrepareOptions extends CallOptions {
  readonly labels?: Labels | undefined;
}

export interface CommitSnapshotOptions extends CallOptions {
  readonly labels?: Labels | undefined;
  /** New parent; only with the capability `rebase`. */
  readonly parent?: string | undefined;
}

/** One backend per plugin id: `overlayfs`, `native`, ... */
export const snapshotterSlot: Slot<Snapshotter> = { type: 'io.containerd.snapshotter.v1', api: 1 };

/** All snapshotters as clients see them, by namespace and lease. */
export interface SnapshotService {
  /** Names of the snapshotters there are now; the first is the default of our own clients. */
  readonly names: readonly string[];
  /** @throws Fault `invalid_argument` if there is no snapshotter of that name; the message lists those there are. */
  snapshotter(scope: Scope, name: string): Snapshotter;
}

export const snapshotServiceSlot: Slot<SnapshotService> = {
  type: 'io.containerd.service.v1',
  id: 'snapshots-service',
  api: 1,
};
