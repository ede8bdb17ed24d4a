import { mkdir, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, errnoOf, Fault, KeyedLock, type Mount } from '@stowage/core';
import type { Mounter } from '@stowage/linux/mounter';
import { type ActiveMount, MOST_TEXT, type MountHandler } from '@stowage/mounts';
import { type Place, placeOf, type WantedDirectory } from './directories.ts';
import { makeFilesystem } from './make-filesystem.ts';
import type { Plan } from './plan.ts';
import { type ActivationRecord, RECORD_FILES } from './record.ts';
import { refused } from './refused.ts';
import { type Preparation, transformed } from './transform.ts';

export interface WorkshopOptions {
  readonly mounter: Mounter;
  readonly handlers: ReadonlyMap<string, MountHandler>;
  /** Directories besides an activation's own mounts in which `mkdir/` and `mkfs/` may make something. */
  readonly roots: readonly string[];
}

/** Makes and undoes the mounts of one activation, in a directory of its own: `0`, `1`, ... */
export class Workshop {
  readonly #options: WorkshopOptions;
  readonly #files = new KeyedLock();

  constructor(options: WorkshopOptions) {
    this.#options = options;
  }

  isHandled(type: string): boolean {
    return this.#options.handlers.has(type);
  }

  /**
   * Makes what the plan says is to be made.
   *
   * @throws what a mount fails with; those before it are still there.
   */
  async make(
    { active: steps, system: left }: Plan,
    directory: string,
    options: CallOptions,
  ): Promise<{ readonly active: ActiveMount[]; readonly system: Mount[] }> {
    const budget = { left: MOST_TEXT };
    const active: ActiveMount[] = [];
    for (const [i, step] of steps.entries()) {
      options.signal?.throwIfAborted();
      const { mount, preparations } = transformed(step, active, budget);
      await this.#prepare(preparations, active, options);
      const mountPoint = join(directory, `${i}`);
      const mountedAt = new Date();
      const data = await this.#mount(mount, mountPoint, options);
      active.push({ ...mount, mountedAt, mountPoint, data });
    }
    const system: Mount[] = [];
    for (const step of left) {
      const { mount, preparations } = transformed(step, active, budget);
      await this.#prepare(preparations, active, options);
      system.push(mount);
    }
    return { active, system };
  }

  /** Undoes whatever there is of an activation, the last mount first, and removes its directory. May be repeated. */
  async undo(
    directory: string,
    types: readonly string[],
    options: CallOptions & { readonly isAbandoned?: boolean } = {},
  ): Promise<void> {
    for (const [i, type] of [...types.entries()].reverse())
      await this.#unmount(type, join(directory, `${i}`), options);
    for (const file of RECORD_FILES) await rm(join(directory, file), { force: true });
    await remove(directory);
  }

  /**
   * Whether all mounts of a whole activation are still there: a reboot takes them and may leave the files.
   *
   * @param points - where something is mounted now.
   */
  async isThere({ types, activation }: ActivationRecord, points: ReadonlySet<string>): Promise<boolean> {
    for (const [i, { mountPoint }] of activation.active.entries()) {
      const handler = this.#options.handlers.get(types[i] ?? '');
      if (!(handler === undefined ? points.has(mountPoint) : await handler.isMounted(mountPoint)))
        return false;
    }
    return true;
  }

  async #mount(mount: Mount, at: string, options: CallOptions): Promise<ActiveMount['data']> {
    const handler = this.#options.handlers.get(mount.type);
    if (handler !== undefined) return handler.mount(mount, at, options);
    await mkdir(at, { mode: 0o700 });
    try {
      await this.#options.mounter.mount([mount], at, options);
    } catch (e) {
      options.signal?.throwIfAborted();
      throw refused('activate mount', e);
    }
    return {};
  }

  async #unmount(
    type: string,
    at: string,
    { signal, isAbandoned = false }: CallOptions & { readonly isAbandoned?: boolean },
  ): Promise<void> {
    const handler = this.#options.handlers.get(type);
    if (handler !== undefined) return handler.unmount(at, { signal, isAbandoned });
    try {
      await this.#options.mounter.unmount(at, { recursive: true, lazy: isAbandoned, signal });
    } catch (e) {
      signal?.throwIfAborted();
      throw refused('undo mount', e);
    }
    await remove(at);
  }

  async #prepare(
    preparations: readonly Preparation[],
    active: readonly ActiveMount[],
    options: CallOptions,
  ): Promise<void> {
    for (const { make, wanted } of preparations) {
      const place = await this.#placeOf(wanted.path, active);
      if (make === 'directory') await this.#makeDirectory(place, wanted, options);
      else {
        using _lock = await this.#files.acquire([wanted.path], options.signal);
        await makeFilesystem(this.#options.mounter, place, wanted, options);
      }
    }
  }

  async #makeDirectory(
    { root, below }: Place,
    { mode, uid, gid }: WantedDirectory,
    options: CallOptions,
  ): Promise<void> {
    try {
      await this.#options.mounter.makeDirectory(root, below, { mode, uid, gid }, options);
    } catch (e) {
      options.signal?.throwIfAborted();
      throw refused('make directory', e);
    }
  }

  /** Configured roots may be, or be behind, links of whoever configured them; mount points never are. */
  async #placeOf(path: string, active: readonly ActiveMount[]): Promise<Place> {
    const { roots } = this.#options;
    const { root, below } = placeOf(path, [...roots, ...active.map(({ mountPoint }) => mountPoint)]);
    if (!roots.includes(root)) return { root, below };
    try {
      return { root: await realpath(root), below };
    } catch (e) {
      throw refused(`find root ${root}`, e);
    }
  }
}

/** Never a recursive removal: were a mount still there, its files would be lost. */
async function remove(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (e) {
    const code = errnoOf(e);
    if (code === 'ENOENT') return;
    // A mount that another mount namespace still has keeps nobody from removing the directory, but what is in it does.
    if (code === 'ENOTEMPTY' || code === 'EBUSY')
      throw new Fault('failed_precondition', `remove ${directory}: something is in it`, { cause: e });
    throw e;
  }
}
