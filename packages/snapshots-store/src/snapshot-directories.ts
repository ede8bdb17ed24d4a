import { chmod, mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, errnoOf, Fault, type Logger, reasonOf, silentLogger } from '@stowage/core';
import type { SnapshotStore } from './snapshot-store.ts';

const TRASH = 'trash-';

export interface DirectoriesOptions {
  /** Deletes a directory and all in it, following no links, and stops when the signal fires. */
  readonly removeTree: (path: string, options: CallOptions) => Promise<void>;
  readonly log?: Logger | undefined;
}

/**
 * One directory for each snapshot of a store, `<dir>/<id>`, in an order that leaves no record without its directory:
 *
 * - make: directory, fsync, then the record. A crash leaves a directory without a record.
 * - remove: the record, then the directory is renamed to `trash-<id>`, then deleted, which may take long.
 *
 * Both kinds of leftovers are found and deleted at the next start, or by {@link cleanup}.
 */
export class SnapshotDirectories implements AsyncDisposable {
  readonly #dir: string;
  readonly #store: SnapshotStore;
  readonly #removeTree: DirectoriesOptions['removeTree'];
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #trash = new Set<string>();
  #emptying: Promise<void> | undefined;

  private constructor(dir: string, store: SnapshotStore, { removeTree, log }: DirectoriesOptions) {
    this.#dir = dir;
    this.#store = store;
    this.#removeTree = removeTree;
    this.#log = log ?? silentLogger;
  }

  /** Makes `dir` if absent, reports what is missing in it, and starts to delete what is left over. */
  static async open(
    dir: string,
    store: SnapshotStore,
    options: DirectoriesOptions,
  ): Promise<SnapshotDirectories> {
    await privateDirectory(dir);
    const directories = new SnapshotDirectories(dir, store, options);
    await directories.#sort({ reportMissing: true });
    void directories.#empty();
    return directories;
  }

  pathOf(id: number): string {
    // Of a hundred layers, the paths are most of what mounts cost: nothing is normalised.
    return `${this.#dir}/${id}`;
  }

  /**
   * Makes the directory of a snapshot, mode 0700, and has `fill` put files in. When this settles it survives a power
   * cut; `fill` puts directories in, and syncs what it puts into those. If it throws, nothing is left.
   */
  async make(id: number, fill: (path: string) => Promise<void>): Promise<void> {
    const path = this.pathOf(id);
    try {
      await mkdir(path, { mode: 0o700 });
      await fill(path);
      const inside = await readdir(path);
      // All at once: the file system writes its journal once for all of them.
      await Promise.all([...inside.map((name) => join(path, name)), path, this.#dir].map(fsync));
    } catch (e) {
      await this.discard(id);
      throw e;
    }
  }

  /** Lets a directory go. It is out of the way when this settles; its files are deleted in the background. */
  async discard(id: number): Promise<void> {
    const name = `${TRASH}${id}`;
    try {
      await rename(this.pathOf(id), join(this.#dir, name));
    } catch (e) {
      if (errnoOf(e) === 'ENOENT') return;
      throw e;
    }
    this.#trash.add(name);
    void this.#empty();
  }

  /**
   * Deletes all that removals and crashes left behind.
   *
   * @throws Fault `unavailable` if some of it cannot be deleted now, because something is mounted there for example.
   */
  async cleanup({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    await this.#sort({ reportMissing: false });
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#empty(), aborted.promise]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    if (this.#trash.size === 0) return;
    const left = [...this.#trash].map((name) => join(this.#dir, name)).join(', ');
    throw new Fault('unavailable', `delete ${left}: not possible now; is something mounted in there?`);
  }

  /** Stops deleting; the next start goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#emptying;
  }

  /** Throws out directories that no snapshot has. */
  async #sort({ reportMissing }: { reportMissing: boolean }): Promise<void> {
    const names = await readdir(this.#dir);
    for (const name of names) if (name.startsWith(TRASH)) this.#trash.add(name);
    const ids = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
    const { orphans, missing } = await this.#store.reconcile(ids);
    for (const id of orphans) {
      this.#log.info({ id }, 'deleting the directory of a snapshot that was never recorded, or is removed');
      await this.discard(id);
    }
    if (!reportMissing) return;
    for (const { id, info } of missing) {
      const fields = { id, name: info.name, path: this.pathOf(id) };
      this.#log.error(fields, 'the directory of a snapshot is gone; remove the snapshot and unpack it again');
    }
  }

  /** Never rejects: what could not be deleted stays in `#trash` for the next time. */
  #empty(): Promise<void> {
    this.#emptying ??= this.#emptyOnce().finally(() => {
      this.#emptying = undefined;
    });
    return this.#emptying;
  }

  async #emptyOnce(): Promise<void> {
    const tried = new Set<string>();
    for (let name = next(this.#trash, tried); name !== undefined; name = next(this.#trash, tried)) {
      if (this.#stop.signal.aborted) return;
      tried.add(name);
      const path = join(this.#dir, name);
      try {
        await this.#removeTree(path, { signal: this.#stop.signal });
        this.#trash.delete(name);
      } catch (e) {
        if (this.#stop.signal.aborted) return;
        this.#log.warn({ err: e, path }, `what a snapshot left could not be deleted: ${reasonOf(e)}`);
      }
    }
  }
}

function next(names: ReadonlySet<string>, tried: ReadonlySet<string>): string | undefined {
  for (const name of names) if (!tried.has(name)) return name;
  return undefined;
}

async function fsync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** Makes a directory that others can't enter, and closes one that they could. Its group may be let in on purpose. */
export async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { mode } = await stat(path);
  if ((mode & 0o067) !== 0) await chmod(path, 0o700);
}
