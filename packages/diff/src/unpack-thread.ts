import { Worker } from 'node:worker_threads';
import { Fault } from '@stowage/core';
import { workerOptions } from '@stowage/linux/worker';
import { RingWriter, ringMemory } from './unpack/byte-ring.ts';
import type { ThreadData, UnpackJob, UnpackOutcome } from './unpack/jobs.ts';
import type { HostPlace } from './unpack/own-mounts.ts';

/**
 * The names and attributes of a layer's files take memory while it is unpacked. Past this a hostile one ends the
 * thread, not the process.
 */
const HEAP_MEGABYTES = 1024;

/** One worker thread, which unpacks one layer after another. It keeps the process alive only meanwhile. */
export class UnpackThread implements AsyncDisposable {
  readonly #memory = ringMemory();
  readonly #worker: Worker;
  #settle: PromiseWithResolvers<UnpackOutcome> | undefined;
  #ended: Fault | undefined;

  /** @param host - Of the main thread, open as long as this lives. */
  constructor(host: HostPlace) {
    const workerData: ThreadData = { memory: this.#memory, host };
    this.#worker = new Worker(
      // Beside this file also where all is bundled into one, so this file stays in the same folder.
      new URL(import.meta.url.endsWith('.ts') ? './unpack-worker.ts' : './unpack-worker.js', import.meta.url),
      {
        ...workerOptions('unpack', workerData),
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
      },
    );
    this.#worker.unref();
    this.#worker.on('message', (outcome: UnpackOutcome) => this.#settle?.resolve(outcome));
    let cause: unknown;
    this.#worker.on('error', (e) => {
      cause = e;
    });
    this.#worker.on('exit', () => {
      this.#ended = ended(cause);
      this.#settle?.reject(this.#ended);
    });
  }

  /** Whether it can take another job. */
  get isFit(): boolean {
    return this.#ended === undefined;
  }

  /**
   * Unpacks what `feed` writes to the ring. Settles when the thread is out of the mounts, whatever happened.
   *
   * @param feed - gives up when its signal fires: the thread wants no more.
   * @throws what `feed` threw, or a Fault.
   */
  async run(
    job: UnpackJob,
    feed: (ring: RingWriter, signal: AbortSignal) => Promise<void>,
    signal?: AbortSignal,
  ) {
    if (this.#ended !== undefined) throw this.#ended;
    const ring = new RingWriter(this.#memory);
    const stop = new AbortController();
    const onAbort = () => {
      ring.abort();
      stop.abort(signal?.reason);
    };
    this.#settle = Promise.withResolvers();
    this.#worker.ref();
    signal?.addEventListener('abort', onAbort, { once: true });
    let failure: { readonly cause: unknown } | undefined;
    let fed: Promise<void> | undefined;
    try {
      this.#worker.postMessage(job);
      if (signal?.aborted === true) onAbort();
      fed = feed(ring, stop.signal).then(
        () => ring.end(),
        (cause: unknown) => {
          failure = { cause };
          ring.abort();
        },
      );
      const outcome = await this.#outcome(ring);
      signal?.throwIfAborted();
      if (outcome.status === 'aborted') throw failure?.cause;
      return outcome;
    } finally {
      stop.abort(new Fault('canceled', 'unpack: no more is needed'));
      await fed;
      signal?.removeEventListener('abort', onAbort);
      this.#worker.unref();
      this.#settle = undefined;
    }
  }

  /** A thread that died closes no ring. */
  async #outcome(ring: RingWriter): Promise<Exclude<UnpackOutcome, { status: 'broken' }>> {
    let outcome: UnpackOutcome | undefined;
    try {
      outcome = await this.#settle?.promise;
    } finally {
      ring.close();
    }
    if (outcome === undefined) throw ended(undefined);
    if (outcome.status !== 'broken') return outcome;
    const { code, message } = outcome;
    await this.#worker.terminate();
    if (code !== 'EPERM') throw new Fault('internal', `unpack: ${message}`);
    throw new Fault('permission_denied', `unpack: ${message}: CAP_SYS_ADMIN is needed, as root has it`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

function ended(cause: unknown): Fault {
  const isFull = (cause as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return isFull
    ? new Fault('resource_exhausted', 'unpack: the layer has more files than fit in memory', { cause })
    : new Fault('internal', 'unpack: the worker thread ended', { cause });
}
