import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, type Digest, Fault, type Mount, parseDigest } from '@stowage/core';
import { primePool } from '@stowage/linux/confine';
import type { PackOutcome } from './pack/jobs.ts';
import { readOnly, upperOver } from './pack/views.ts';
import { PackThread } from './pack-thread.ts';
import { atATime, Turns } from './turns.ts';

export interface PackerOptions {
  /** A directory to mount in, made if it is not there. What is mounted is seen by one thread only. */
  readonly directory: string;
  /** Layers packed at a time; more wait. Default: the machine's processors, at least 2, at most 4. */
  readonly concurrency?: number | undefined;
}

export interface PackOptions extends CallOptions {
  /** Later times become this. */
  readonly sourceDateEpoch?: Date | undefined;
  /**
   * Compares the trees also where an overlay has noted what changed. The archive is the same, byte for byte; it takes
   * as long as both trees are large.
   */
  readonly comparesAll?: boolean | undefined;
}

/** What was packed: the archive as it is before compression. */
export interface Packed {
  readonly digest: Digest;
  readonly sizeBytes: bigint;
}

/** What packs layers of trees that it alone sees. */
export interface PackLayers extends AsyncDisposable {
  /**
   * Packs one layer. Of an overlay over `left`, only its upper directory is read, unless that refers to other places.
   *
   * @param left - What was before; none: nothing was.
   * @param sink - takes the archive. It may be called again, after a first archive that came to nothing: each call
   *   begins anew. What it throws is thrown here.
   * @throws Fault `failed_precondition` if the mounts cannot be made, if a file changes while it is read, and for what
   *   no layer can hold; `unimplemented` for mounts that need a helper program; `permission_denied` without the
   *   privilege; `resource_exhausted`; `data_loss` if the disk cannot be read.
   */
  pack(
    left: readonly Mount[],
    right: readonly Mount[],
    sink: (bytes: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>,
    options?: PackOptions,
  ): Promise<Packed>;
}

/**
 * Packs what differs between two trees, each in a worker thread that alone sees them, mounted for reading only. Needs
 * CAP_SYS_ADMIN. For a process that is ours, as `Unpacker` is.
 */
export class Packer implements PackLayers {
  readonly #places: { readonly left: string; readonly right: string };
  readonly #turns: Turns;
  readonly #stopping = new AbortController();

  private constructor(directory: string, concurrency: number) {
    this.#places = { left: join(directory, 'left'), right: join(directory, 'right') };
    this.#turns = new Turns(concurrency);
  }

  static async open({ directory, concurrency }: PackerOptions): Promise<Packer> {
    await primePool();
    const packer = new Packer(directory, atATime(concurrency));
    await mkdir(packer.#places.left, { recursive: true, mode: 0o700 });
    await mkdir(packer.#places.right, { recursive: true, mode: 0o700 });
    return packer;
  }

  async pack(
    left: readonly Mount[],
    right: readonly Mount[],
    sink: (bytes: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>,
    { sourceDateEpoch, comparesAll = false, signal }: PackOptions = {},
  ): Promise<Packed> {
    const stop = this.#stopping.signal;
    const either = signal === undefined ? stop : AbortSignal.any([signal, stop]);
    using _ = await this.#turns.take(either);
    const common = {
      left: readOnly(left),
      places: this.#places,
      mostMtimeNs: sourceDateEpoch && BigInt(sourceDateEpoch.getTime()) * 1_000_000n,
    };
    const upper = comparesAll ? undefined : upperOver(left, right);
    if (upper !== undefined) {
      const job = { ...common, right: upper.mounts, upper: upper.prefix };
      const outcome = await run(new PackThread(job), sink, either);
      if (outcome.status !== 'not-plain') return packed(outcome);
    }
    return packed(
      await run(new PackThread({ ...common, right: readOnly(right), upper: undefined }), sink, either),
    );
  }

  /** Gives up what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Fault('unavailable', 'diff: shutting down'));
    await this.#turns.idle();
  }
}

/** Settles when the thread has ended, whatever happened. */
async function run(
  thread: PackThread,
  sink: (bytes: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<PackOutcome> {
  await using running = thread;
  const onAbort = () => running.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await sink(running.bytes(), signal);
    signal.throwIfAborted();
    return running.outcome();
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function packed(outcome: PackOutcome): Packed {
  if (outcome.status === 'done') {
    return { digest: parseDigest(outcome.digest), sizeBytes: outcome.sizeBytes };
  }
  if (outcome.status !== 'failed')
    throw new Fault('internal', `diff: the worker thread ended: ${outcome.status}`);
  const { kind, message } = outcome;
  if (kind === undefined) throw new Error(message);
  if (kind !== 'permission_denied') throw new Fault(kind, message);
  throw new Fault(kind, `${message}: CAP_SYS_ADMIN is needed, as root has it`);
}
