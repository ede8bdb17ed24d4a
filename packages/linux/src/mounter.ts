import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { CallOptions, Mount } from '@stowage/core';
import { hasCode } from './errors.ts';
import type { MountOperations } from './linux-mount-worker.ts';
import type { LoopOptions } from './loop.ts';
import type { NewDirectory } from './make-directory.ts';
import { type MountInfo, readMountInfo } from './mountinfo.ts';
import { WorkerCalls } from './worker-calls.ts';
import { workerOptions } from './worker-options.ts';

export type { LoopOptions } from './loop.ts';
export type { NewDirectory } from './make-directory.ts';

export interface UnmountOptions extends CallOptions {
  /** Detach now, and let go when the last user has. Then EBUSY cannot happen. */
  readonly lazy?: boolean;
  /** Also everything mounted below, the newest first. */
  readonly recursive?: boolean;
  /** How long to try again while the mount is in use. Default 2500, as containerd. */
  readonly busyTimeoutMs?: number;
}

export interface WithMountOptions extends CallOptions {
  /** Where the temporary mount point is made. Default: the system's directory for temporary files. */
  readonly directory?: string;
}

const BUSY_RETRY_MS = 50;

/**
 * Mounts and unmounts in this process's mount namespace without stopping its event loop: one worker thread makes the
 * calls, in order.
 *
 * The worker starts with the first call and does not keep the process alive between calls. Should it die, calls under
 * way reject with Fault `unavailable` and the next call starts another.
 */
export class Mounter implements AsyncDisposable {
  readonly #calls = new WorkerCalls<MountOperations>(
    'mounter',
    () =>
      new Worker(
        new URL(
          import.meta.url.endsWith('.ts') ? './linux-mount-worker.ts' : './linux-mount-worker.js',
          import.meta.url,
        ),
        workerOptions('linux-mount'),
      ),
  );

  /**
   * Makes all mounts at `target`, each at its own `target` below that. If one fails, those before it are undone.
   *
   * A mount(2) under way cannot be stopped: after an abort the call ends when the kernel is done, with all undone, so
   * that whoever removes `target` next removes no files of a mount.
   *
   * @throws a SystemError (`code`), or Fault `unimplemented` for options of a mount manager.
   */
  async mount(mounts: readonly Mount[], target: string, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const made = await this.#calls.call('mount', mounts, target);
    if (signal?.aborted !== true) return;
    for (const path of made.reverse()) await this.#calls.call('unmount', path, true, false);
    throw signal.reason;
  }

  /**
   * Undoes everything mounted at `target`, however often something was mounted there. Nothing mounted, or nothing
   * there at all, is a success. Never follows a link at the end of the path.
   *
   * @throws EBUSY if it was still in use after `busyTimeoutMs`.
   */
  async unmount(target: string, options: UnmountOptions = {}): Promise<void> {
    const { lazy = false, recursive = false, busyTimeoutMs = 2500, signal } = options;
    const giveUp = performance.now() + busyTimeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      try {
        await this.#calls.call('unmount', target, lazy, recursive);
        return;
      } catch (e) {
        if (!hasCode(e, 'EBUSY') || performance.now() >= giveUp) throw e;
      }
      await pause(BUSY_RETRY_MS, signal);
    }
  }

  /**
   * Attaches a file to a free loop device, and makes `link` a symbolic link to that. The device keeps until
   * {@link Mounter.detachLoop}, also when this process ends. Should it die meanwhile, the link is there or the device is
   * let go. An abort does not stop it: it is undone then.
   *
   * @returns the device: `/dev/loop3`.
   * @throws a SystemError: EINVAL if the source is neither a file nor a block device.
   */
  async attachLoop(
    source: string,
    link: string,
    { readOnly, mark, signal }: LoopOptions & CallOptions,
  ): Promise<string> {
    signal?.throwIfAborted();
    const device = await this.#calls.call('attachLoop', source, link, { readOnly, mark });
    if (signal?.aborted !== true) return device;
    await this.#calls.call('detachLoop', link, mark);
    throw signal.reason;
  }

  /**
   * Lets the device that `link` leads to go, as soon as nobody uses it, and removes the link. If the device has another
   * mark by now, only the link goes. A link that is gone is a success.
   */
  async detachLoop(link: string, mark: string): Promise<void> {
    await this.#calls.call('detachLoop', link, mark);
  }

  /** Whether `link` leads to a loop device that is attached under this mark. */
  isLoopAttached(link: string, mark: string): Promise<boolean> {
    return this.#calls.call('isLoopAttached', link, mark);
  }

  /**
   * Opens a directory below `root`. Links are refused, also at the end.
   *
   * @param path - from `root`; `/` for `root` itself.
   * @returns an O_PATH descriptor, the caller's to `close`; libuv never hears of it.
   * @throws as {@link Mounter.makeDirectory}.
   */
  async openDirectory(root: string, path: string, { signal }: CallOptions = {}): Promise<number> {
    signal?.throwIfAborted();
    return this.#calls.call('openDirectory', root, path);
  }

  /**
   * Makes a directory below `root`, in one that is there. Links on the way are refused. One that is there stays as it is.
   *
   * @throws a SystemError: ELOOP for a link on the way, ENOTDIR for one at the end or something else, EXDEV for what
   *   leaves `root`, ENOENT.
   */
  async makeDirectory(
    root: string,
    path: string,
    how: NewDirectory,
    { signal }: CallOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    await this.#calls.call('makeDirectory', root, path, how);
  }

  /** All mounts of this process's namespace, in the order they were made. */
  mounts(): Promise<MountInfo[]> {
    return readMountInfo();
  }

  /** Writes out the filesystem of `path`. An abort does not stop it, only the wait for it. */
  async syncfs(path: string, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    await this.#calls.call('syncfs', path);
    signal?.throwIfAborted();
  }

  /**
   * Runs `fn` with the mounts made at a fresh directory, and undoes them whatever happens. A mount still in use then
   * is detached.
   */
  async withMount<T>(
    mounts: readonly Mount[],
    fn: (path: string) => Promise<T>,
    { signal, directory = tmpdir() }: WithMountOptions = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    const path = await mkdtemp(join(directory, 'stowage-mount-'));
    try {
      await this.mount(mounts, path, { signal });
      try {
        return await fn(path);
      } finally {
        await this.#letGo(path);
      }
    } finally {
      // rmdir, never a recursive removal: were a mount still there, its files would be lost.
      await rmdir(path);
    }
  }

  async #letGo(path: string): Promise<void> {
    try {
      await this.unmount(path, { recursive: true, busyTimeoutMs: 0 });
    } catch (e) {
      if (!hasCode(e, 'EBUSY')) throw e;
      await this.unmount(path, { recursive: true, lazy: true });
    }
  }

  /** Waits for calls under way and ends the worker. Mounts stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls[Symbol.asyncDispose]();
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    // timers reject with an AbortError of their own; the caller is owed the signal's reason.
    signal?.throwIfAborted();
  }
}
