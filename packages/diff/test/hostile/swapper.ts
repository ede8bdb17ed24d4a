import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Somebody inside the snapshot who swaps directories for links to the canary, and moves them out and back. */
export interface Swapper extends AsyncDisposable {
  /** Swaps made so far. */
  readonly swaps: number;
}

/**
 * Starts one in a thread of its own. It uses names at the top of the tree only, and never goes through one: what it
 * does to the tree can't reach anything else.
 *
 * @param aside - A directory on the same filesystem, to move things out to.
 */
export async function startSwapper(tree: string, aside: string, canary: string): Promise<Swapper> {
  const count = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL('./swapper-worker.ts', import.meta.url), {
    workerData: { tree, aside, canary, count },
  });
  await once(worker, 'message');
  return {
    get swaps() {
      return Atomics.load(count, 0);
    },
    async [Symbol.asyncDispose]() {
      Atomics.store(count, 1, 1);
      await once(worker, 'exit');
    },
  };
}
