import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, errnoOf, Fault, type Labels, type Logger, type Mount, quote } from '@stowage/core';
import type {
  CommitSnapshotOptions,
  PrepareOptions,
  SnapshotInfo,
  Snapshotter,
  Usage,
} from '@stowage/snapshots';
import { refuseWithoutIndex } from './at-rest.ts';
import type { StoredSnapshot } from './record.ts';
import { privateDirectory, SnapshotDirectories } from './snapshot-directories.ts';
import { SnapshotStore } from './snapshot-store.ts';
import { systemFaults } from './system-fault.ts';

/** What sets one snapshotter that keeps a directory per snapshot apart from another. */
export interface LayerDriver extends AsyncDisposable {
  /**
   * Puts directories into that of a new snapshot, empty or with all they hold written out. It is thrown away if this
   * throws.
   *
   * @param below - Directory of the parent, if there is one.
   * @param info - Its kind is `active` or `view`.
   */
  make(directory: string, below: string | undefined, info: SnapshotInfo, options: CallOptions): Promise<void>;
  /** How to mount an active snapshot or a view. @param pathOf - The directory of an id. */
  mounts(snapshot: StoredSnapshot, pathOf: (id: number) => string): Mount[];
  /** Measures the files of one snapshot. */
  usage(directory: string, options: CallOptions): Promise<Usage>;
  /** Writes the files of one snapshot out. */
  sync(directory: string, options: CallOptions): Promise<void>;
  /** Deletes a directory and all in it, following no links. */
  remove(directory: string, options: CallOptions): Promise<void>;
  /**
   * The files of a snapshot made without a parent say what they do to one (whiteouts), so that it can get one at commit:
   * the capability `rebase`.
   */
  readonly rebases?: boolean;
  /** Adds what it has to say about a snapshot. */
  info?(info: SnapshotInfo, directory: string): SnapshotInfo;
}

export interface DirectorySnapshotterOptions {
  readonly log?: Logger | undefined;
  /** `remove` waits until the files are deleted, not only until they are out of the way. */
  readonly syncRemove?: boolean | undefined;
}

/**
 * A snapshotter that keeps each snapshot in a directory of its own: everything but what a {@link LayerDriver} knows.
 *
 *     <root>/snapshots/<id>/   the driver's
 *     <root>/metadata/         the index
 */
export class DirectorySnapshotter implements Snapshotter, AsyncDisposable {
  readonly #store: SnapshotStore;
  readonly #directories: SnapshotDirectories;
  readonly #driver: LayerDriver;
  readonly #syncRemove: boolean;

  private constructor(
    store: SnapshotStore,
    directories: SnapshotDirectories,
    driver: LayerDriver,
    { syncRemove = false }: DirectorySnapshotterOptions,
  ) {
    this.#store = store;
    this.#directories = directories;
    this.#driver = driver;
    this.#syncRemove = syncRemove;
  }

  /**
   * @param root - A directory of its own, which is made if absent.
   * @param driver - Is disposed with the snapshotter, or when this throws.
   * @throws Fault `failed_precondition` if another process uses the root, `data_loss` if its index is damaged or gone.
   */
  static async open(
    root: string,
    driver: LayerDriver,
    options: DirectorySnapshotterOptions = {},
  ): Promise<DirectorySnapshotter> {
    const { log } = options;
    let store: SnapshotStore | undefined;
    try {
      await privateDirectory(root);
      await refuseWithoutIndex(root);
      store = await SnapshotStore.open(join(root, 'metadata'), { log });
      const directories = await SnapshotDirectories.open(join(root, 'snapshots'), store, {
        removeTree: (path, at) => driver.remove(path, at),
        log,
      });
      return new DirectorySnapshotter(store, directories, driver, options);
    } catch (e) {
      await store?.[Symbol.asyncDispose]();
      await driver[Symbol.asyncDispose]();
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
    if (info.kind !== 'active') return usage;
    const directory = this.#directories.pathOf(id);
    return systemFaults(`measure snapshot ${quote(key)}`, () => this.#driver.usage(directory, { signal }));
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
    if (parent !== undefined && parent !== '' && this.#driver.rebases !== true) {
      throw new Fault(
        'unimplemented',
        `commit snapshot ${quote(key)}: a new parent (rebase) is not supported`,
      );
    }
    await this.#store.commit(name, key, {
      labels,
      parent,
      signal,
      seal: ({ id }) =>
        systemFaults(`commit snapshot ${quote(key)}`, async () => {
          const directory = this.#directories.pathOf(id);
          // Without this, a power cut soon after would leave a committed snapshot of empty files.
          await this.#driver.sync(directory, { signal });
          return this.#driver.usage(directory, { signal });
        }),
    });
  }

  async remove(key: string, options?: CallOptions): Promise<void> {
    const { id } = await this.#store.remove(key, options);
    await systemFaults(`remove snapshot ${quote(key)}`, () => this.#directories.discard(id));
    if (this.#syncRemove) await this.#directories.cleanup(options);
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
    await this.#driver[Symbol.asyncDispose]();
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
      make: ({ id, info, parentIds: [nearest] }) =>
        systemFaults(`make snapshot ${quote(key)}`, async () => {
          const below = nearest === undefined ? undefined : await this.#existing(parent, nearest);
          const fill = (path: string) => this.#driver.make(path, below, info, { signal });
          await this.#directories.make(id, fill);
        }),
    });
    return this.#mountsOf(snapshot);
  }

  async #existing(name: string, id: number): Promise<string> {
    const path = this.#directories.pathOf(id);
    try {
      await access(path);
    } catch (e) {
      if (errnoOf(e) !== 'ENOENT') throw e;
      const message = `the files of parent snapshot ${quote(name)} (${path}) are gone; remove it and what is based on it, and unpack them again`;
      throw new Fault('data_loss', message, { cause: e });
    }
    return path;
  }

  #mountsOf(snapshot: StoredSnapshot): Mount[] {
    return this.#driver.mounts(snapshot, (id) => this.#directories.pathOf(id));
  }

  #infoOf({ id, info }: StoredSnapshot): SnapshotInfo {
    return this.#driver.info?.(info, this.#directories.pathOf(id)) ?? info;
  }
}
