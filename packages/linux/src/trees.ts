import { availableParallelism } from 'node:os';
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

/** One worker thread and how many calls it was given that have not ended. */
interface Lane {
  readonly calls: WorkerCalls<TreeOperations>;
  underWay: number;
}

export interface TreesOptions {
  /** Worker threads at most. Default: as many as the machine has processors, but from 2 to 4. */
  readonly concurrency?: number | undefined;
}

/**
 * Work on whole directory trees, in worker threads: a call goes to one that has nothing to do, or waits behind the fewest
 * others. The trees may be hostile and may be changing: links are never followed, other mounts never entered.
 *
 * An aborted call rejects with the signal's reason once the worker has stopped.
 */
export class Trees implements AsyncDisposable {
  readonly #concurrency: number;
  readonly #lanes: Lane[] = [];
  #idle: NodeJS.Timeout | undefined;

  constructor({ concurrency = Math.min(Math.max(availableParallelism(), 2), 4) }: TreesOptions = {}) {
    this.#concurrency = concurrency;
  }

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
    await Promise.all(this.#lanes.map(({ calls }) => calls[Symbol.asyncDispose]()));
  }

  async #call<K extends keyof TreeOperations>(
    name: K,
    args: string[],
    { signal }: CallOptions = {},
  ): Promise<ReturnType<TreeOperations[K]>> {
    signal?.throwIfAborted();
    clearTimeout(this.#idle);
    const lane = this.#lane();
    const stop: StopFlag = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = () => void Atomics.store(stop, 0, 1);
    signal?.addEventListener('abort', onAbort, { once: true });
    lane.underWay++;
    try {
      return await lane.calls.call(name, ...([...args, stop] as unknown as Parameters<TreeOperations[K]>));
    } catch (e) {
      signal?.throwIfAborted();
      throw e;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      lane.underWay--;
      if (!this.#isBusy()) this.#idle = setTimeout(() => this.#rest(), IDLE_MS).unref();
    }
  }

  #lane(): Lane {
    let best: Lane | undefined;
    for (const lane of this.#lanes) if (best === undefined || lane.underWay < best.underWay) best = lane;
    if (best !== undefined && (best.underWay === 0 || this.#lanes.length >= this.#concurrency)) return best;
    const lane = { calls: new WorkerCalls<TreeOperations>('trees', startWorker), underWay: 0 };
    this.#lanes.push(lane);
    return lane;
  }

  #isBusy(): boolean {
    return this.#lanes.some(({ underWay }) => underWay > 0);
  }

  #rest(): void {
    // Nothing is under way, so there is nothing that could fail.
    for (const { calls } of this.#lanes.splice(0)) void calls[Symbol.asyncDispose]();
  }
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './linux-tree-worker.ts' : './linux-tree-worker.js';
  return new Worker(new URL(file, import.meta.url), workerOptions('linux-tree'));
}
