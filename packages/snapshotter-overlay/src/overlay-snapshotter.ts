import { join } from 'node:path';
import { type CallOptions, Fault, type Labels, type Mount, quote, silentLogger } from '@stowage/core';
import { Trees } from '@stowage/linux/trees';
import type {
  CommitSnapshotOptions,
  PrepareOptions,
  SnapshotInfo,
  Snapshotter,
  Usage,
} from '@stowage/snapshots';
import {
  privateDirectory,
  SnapshotDirectories,
  SnapshotStore,
  type StoredSnapshot,
} from '@stowage/snapshots-store';
import { makeLayer } from './layer.ts';
import { mountsOf, upperOf } from './mounts.ts';
import type { OverlayOptions } from './options.ts';
import { checkOverlay, kernelOptions } from './probe.ts';

const UPPERDIR_LABEL = 'containerd.io/snapshot/overlay.upperdir';

/**
 * Snapshots on overlayfs. Every snapshot is one directory with its own files, mounted on top of its parents'.
 *
 *     <root>/snapshots/<id>/fs     the files
 *     <root>/snapshots/<id>/work   overlayfs's own, of active snapshots
 *     <root>/metadata/             the index
 */
export class OverlaySnapshotter implements Snapshotter, AsyncDisposable {
  readonly #store: SnapshotStore;
  readonly #directories: SnapshotDirectories;
  readonly #trees: Trees;
  /** Deletes, which may take long, in a thread of its own. */
  readonly #sweeper: Trees;
  readonly #mountOptions: readonly string[];
  readonly #options: OverlayOptions;

  private constructor(
    store: SnapshotStore,
    directories: SnapshotDirectories,
    sweeper: Trees,
    mountOptions: readonly string[],
    options: OverlayOptions,
  ) {
    this.#store = store;
    this.#directories = directories;
    this.#trees = new Trees();
    this.#sweeper = sweeper;
    this.#mountOptions = mountOptions;
    this.#options = options;
  }

  /**
   * @param root - A directory of its own on a local file system, which is made if absent.
   * @throws Skip if overlayfs does not work there, saying why; Fault `failed_precondition` if another process uses it,
   *   `data_loss` if its index is damaged.
   */
  static async open(root: string, options: OverlayOptions = {}): Promise<OverlaySnapshotter> {
    const { log = silentLogger, signal } = options;
    signal?.throwIfAborted();
    await privateDirectory(root);
    // The kernel lists its options once overlay is loaded, which the first mount does.
    await checkOverlay(root, options.mountOptions ?? []);
    const mountOptions = await kernelOptions(options.mountOptions ?? []);
    signal?.throwIfAborted();
    const store = await SnapshotStore.open(join(root, 'metadata'), { log });
    const sweeper = new Trees();
    try {
      const directories = await SnapshotDirectories.open(join(root, 'snapshots'), store, {
        removeTree: (path, at) => sweeper.remove(path, at),
        log,
      });
      return new OverlaySnapshotter(store, directories, sweeper, mountOptions, options);
    } catch (e) {
      await store[Symbol.asyncDispose]();
      throw e;
    }
  }

  async stat(key: string, options?: CallOptions): Promise<SnapshotInfo> {
    return this.#infoOf(await this.#store.get(key, options));
  }

  async update(
    key: string,
    labels: Labels,
    paths?: readonly string[],
    options?: CallOptions,
  ): Promise<SnapshotInfo> {
    return this.#infoOf(await this.#store.update(key, labels, paths, options));
  }

  async usage(key: string, { signal }: CallOptions = {}): Promise<Usage> {
    const { id, info, usage } = await this.#store.get(key, { signal });
    return info.kind === 'active' ? this.#trees.usage(this.#upperOf(id), { signal }) : usage;
  }

  async mounts(key: string, options?: CallOptions): Promise<Mount[]> {
    const snapshot = await this.#store.get(key, options);
    if (snapshot.info.kind === 'committed') {
      throw new Fault(
        'failed_precondition',
        `mounts of snapshot ${quote(key)}: it is committed; prepare an active one or a view on it`,
      );
    }
    return this.#mountsOf(snapshot);
  }

  prepare(key: string, parent: string, options?: PrepareOptions): Promise<Mount[]> {
    return this.#create('active', key, parent, options);
  }

  view(key: string, parent: string, options?: PrepareOptions): Promise<Mount[]> {
    return this.#create('view', key, parent, options);
  }

  async commit(name: string, key: string, options: CommitSnapshotOptions = {}): Promise<void> {
    const { labels, parent, signal } = options;
    if (parent !== undefined && parent !== '') {
      throw new Fault(
        'unimplemented',
        `commit snapshot ${quote(key)}: a new parent (rebase) is not supported`,
      );
    }
    await this.#store.commit(name, key, {
      labels,
      signal,
      seal: async ({ id }) => {
        // Without this, a power cut soon after would leave a committed snapshot of empty files.
        await this.#trees.syncfs(this.#upperOf(id), { signal });
        return this.#trees.usage(this.#upperOf(id), { signal });
      },
    });
  }

  async remove(key: string, options?: CallOptions): Promise<void> {
    const { id } = await this.#store.remove(key, options);
    await this.#directories.discard(id);
    if (this.#options.syncRemove === true) await this.#directories.cleanup(options);
  }

  async *list(filters?: readonly string[], options?: CallOptions): AsyncGenerator<SnapshotInfo> {
    for await (const snapshot of this.#store.list(filters, options)) yield this.#infoOf(snapshot);
  }

  cleanup(options?: CallOptions): Promise<void> {
    return this.#directories.cleanup(options);
  }

  /** Mounts that were made of snapshots stay as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directories[Symbol.asyncDispose]();
    await this.#sweeper[Symbol.asyncDispose]();
    await this.#trees[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  async #create(
    kind: 'active' | 'view',
    key: string,
    parent: string,
    { labels, signal }: PrepareOptions = {},
  ): Promise<Mount[]> {
    const snapshot = await this.#store.create(kind, key, parent, {
      labels,
      signal,
      make: ({ id, parentIds: [nearest] }) =>
        this.#directories.make(id, (path) => {
          const below = nearest === undefined ? undefined : this.#directories.pathOf(nearest);
          return makeLayer(path, below, kind === 'active');
        }),
    });
    return this.#mountsOf(snapshot);
  }

  #mountsOf(snapshot: StoredSnapshot): Mount[] {
    return mountsOf(snapshot, (id) => this.#directories.pathOf(id), this.#mountOptions);
  }

  #upperOf(id: number): string {
    return upperOf(this.#directories.pathOf(id));
  }

  #infoOf({ id, info }: StoredSnapshot): SnapshotInfo {
    if (this.#options.upperdirLabel !== true) return info;
    const labels: Record<string, string> = Object.assign(Object.create(null), info.labels);
    labels[UPPERDIR_LABEL] = this.#upperOf(id);
    return { ...info, labels };
  }
}
