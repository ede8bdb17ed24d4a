import { Worker } from 'node:worker_threads';
import { Fault } from '@stowage/core';
import { workerOptions } from '@stowage/linux/worker';
import { type PackJob, type PackMessage, type PackOutcome, WORD } from './pack/jobs.ts';

/** Pieces under way between the two threads. */
const CREDITS = 8;

/** Names of a directory, and of files with several, take memory. Past this a hostile tree ends the thread, no more. */
const HEAP_MEGABYTES = 1024;

/** A worker thread that packs one layer and ends. The thread waits while nobody takes its pieces. */
export class PackThread implements AsyncDisposable {
  readonly #control = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;
  readonly #pieces: Uint8Array[] = [];
  readonly #exit: Promise<void>;
  #outcome: PackOutcome | undefined;
  #cause: unknown;
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor(job: Omit<PackJob, 'control'>) {
    Atomics.store(this.#control, WORD.credits, CREDITS);
    const workerData: PackJob = { ...job, control: this.#control.buffer };
    this.#worker = new Worker(
      // Beside this file also where all is bundled into one, so this file stays in the same folder.
      new URL(import.meta.url.endsWith('.ts') ? './pack-worker.ts' : './pack-worker.js', import.meta.url),
      {
        ...workerOptions('pack', workerData),
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
      },
    );
    this.#worker.on('message', (message: PackMessage) => {
      if ('piece' in message) this.#pieces.push(message.piece);
      else this.#outcome = message.outcome;
      this.#wake?.();
    });
    this.#worker.on('error', (e) => {
      this.#cause = e;
    });
    this.#exit = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#isOver = true;
        this.#wake?.();
        resolve();
      });
    });
  }

  /** The archive, to its end or to where the thread failed: {@link PackThread.outcome} tells. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        yield piece;
        this.#allow(1);
      } else if (this.#outcome !== undefined || this.#isOver) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }

  /** How it went, once `bytes` has ended. */
  outcome(): PackOutcome {
    if (this.#outcome !== undefined) return this.#outcome;
    const cause = this.#cause;
    if ((cause as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      throw new Fault('resource_exhausted', 'diff: the tree has more names than fit in memory', { cause });
    }
    throw new Fault('internal', 'diff: the worker thread ended', { cause });
  }

  /** The thread stops at the next name or piece. */
  abort(): void {
    Atomics.store(this.#control, WORD.aborted, 1);
    this.#allow(1);
  }

  #allow(pieces: number): void {
    Atomics.add(this.#control, WORD.credits, pieces);
    Atomics.notify(this.#control, WORD.credits);
  }

  /** Gives up what is left, and waits until the thread and with it its mounts are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await this.#exit;
  }
}
