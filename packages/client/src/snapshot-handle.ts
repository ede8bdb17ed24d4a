import { randomBytes } from 'node:crypto';
import { type CallOptions, type Labels, type Mount, unlessGone, whole } from '@stowage/core';
import { type LeaseHandle, openLease } from '@stowage/leases';
import type { CommitSnapshotOptions, SnapshotInfo, Snapshotter, Usage } from '@stowage/snapshots';
import { DEFAULT_SNAPSHOTTER } from './image.ts';
import type { Services } from './services.ts';

export interface SnapshotOptions extends CallOptions {
  /** Name of a committed snapshot, such as `image.rootfs()`. Default: none, an empty base. */
  readonly parent?: string | undefined;
  /** Default: a random one. */
  readonly key?: string | undefined;
  /** Default: `overlayfs`. */
  readonly snapshotter?: string | undefined;
  readonly labels?: Labels | undefined;
}

/** A snapshot that was made to work with. Disposing removes it; one that was committed is left alone. */
export class SnapshotHandle implements AsyncDisposable {
  readonly key: string;
  /** To be made by whoever wants its files, on the daemon's machine: see {@link mountedApart}. */
  readonly mounts: readonly Mount[];
  readonly #snapshots: Snapshotter;
  readonly #lease: LeaseHandle | undefined;
  #committed = false;

  private constructor(
    key: string,
    mounts: readonly Mount[],
    snapshots: Snapshotter,
    lease: LeaseHandle | undefined,
  ) {
    this.key = key;
    this.mounts = mounts;
    this.#snapshots = snapshots;
    this.#lease = lease;
  }

  /**
   * @param isLeased - the services are those of a lease, which then holds it; else it has one of its own.
   * @throws Fault as {@link Snapshotter.prepare}. Nothing is left then, nor after an abort.
   */
  static async open(
    services: Services,
    isLeased: boolean,
    kind: 'active' | 'view',
    options: SnapshotOptions,
  ): Promise<SnapshotHandle> {
    const { parent = '', key = `snapshot-${randomBytes(6).toString('hex')}`, labels, signal } = options;
    const lease = isLeased ? undefined : await openLease(services.leases, { signal });
    try {
      const held = lease === undefined ? services : services.leased(lease.id);
      const snapshots = held.snapshotter(options.snapshotter ?? DEFAULT_SNAPSHOTTER);
      const mounts = await whole(
        signal,
        () =>
          kind === 'view'
            ? snapshots.view(key, parent, { labels })
            : snapshots.prepare(key, parent, { labels }),
        () => snapshots.remove(key),
      );
      return new SnapshotHandle(key, mounts, snapshots, lease);
    } catch (e) {
      await lease?.[Symbol.asyncDispose]();
      throw e;
    }
  }

  info(options?: CallOptions): Promise<SnapshotInfo> {
    return this.#snapshots.stat(this.key, options);
  }

  usage(options?: CallOptions): Promise<Usage> {
    return this.#snapshots.usage(this.key, options);
  }

  /**
   * Makes it one that never changes again, and can be a parent. It is held until this is disposed, and after that by what
   * else holds it: a label `containerd.io/gc.root`, a lease, a snapshot on it, an image.
   *
   * @throws Fault as {@link Snapshotter.commit}
   */
  async commit(name: string, options?: CommitSnapshotOptions): Promise<void> {
    await this.#snapshots.commit(name, this.key, options);
    this.#committed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#committed) await unlessGone(this.#snapshots.remove(this.key));
    } finally {
      await this.#lease?.[Symbol.asyncDispose]();
    }
  }
}
