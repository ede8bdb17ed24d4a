import { Worker } from 'node:worker_threads';
import type { CallOptions } from '@stowage/core';
import type { TreeOperations } from './linux-tree-worker.ts';
import type { StopFlag } from './tree-entries.ts';
import type { TreeUsage } from './tree-usage.ts';
import { WorkerCalls } from './worker-calls.ts';
import { workerOptions } from './worker-options.ts';

export type { TreeUsage } from './tree-usage.ts';

/** A worker costs megabytes; one that nobody needs for this long is ended. */
const IDLE_MS = 10_000;

/**
 * Work on whole directory trees, in one worker thread, one call after another but for removals. The trees may be hostile and may be
 * changing: links are never followed, other mounts never entered.
 *
 * An aborted call rejects with the signal's reason once the worker has stopped.
 */
export class Trees implements AsyncDisposable {
  #calls: WorkerCalls<TreeOperations> | undefined;
  #underWay = 0;
  #idle: NodeJS.Timeout | undefined;

  /** Disk held by a directory and all in it. */
  usage(path: string, options?: CallOptions): Promise<TreeUsage> {
    return this.#call('usage', [path], options);
  }

  /**
   * Copies a directory and all in it, with everything but what other mounts hold. Follow it by {@link syncfs} to have
   * it on disk. Hard links between paths longer than 4 KiB fail with ENAMETOOLONG.
   *
   * @param to - Absent, or an empty directory that nobody else knows of. If this rejects, a part is left there.
   */
  copy(from: string, to: string, options?: CallOptions): Promise<void> {
    return this.#call('copy', [from, to], options);
  }

  /**
   * Deletes a directory and all in it. One that is gone is a success; EBUSY or EXDEV if something is mounted in it. It
   * lets other calls in between.
   */
  async remove(path: string, options?: CallOptions): Promise<void> {
    while (!(await this.#call('remove', [path], options)));
  }

  /** Writes out the filesystem of a path. It cannot be stopped; an abort before its turn skips it. */
  syncfs(path: string, options?: CallOptions): Promise<void> {
    return this.#call('syncfs', [path], options);
  }

  /** Waits for calls under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    await this.#calls?.[Symbol.asyncDispose]();
  }

  async #call<K extends keyof TreeOperations>(
    name: K,
    args: string[],
    { signal }: CallOptions = {},
  ): Promise<ReturnType<TreeOperations[K]>> {
    signal?.throwIfAborted();
    clearTimeout(this.#idle);
    this.#calls ??= new WorkerCalls<TreeOperations>('trees', startWorker);
    const stop: StopFlag = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = () => void Atomics.store(stop, 0, 1);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#underWay++;
    try {
      return await this.#calls.call(name, ...([...args, stop] as unknown as Parameters<TreeOperations[K]>));
    } catch (e) {
      signal?.throwIfAborted();
      throw e;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (--this.#underWay === 0) this.#idle = setTimeout(() => this.#rest(), IDLE_MS).unref();
    }
  }

  #rest(): void {
    const calls = this.#calls;
    this.#calls = undefined;
    // Nothing is under way, so there is nothing that could fail.
    void calls?.[Symbol.asyncDispose]();
  }
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './linux-tree-worker.ts' : './linux-tree-worker.js';
  return new Worker(new URL(file, import.meta.url), workerOptions('linux-tree'));
}
