import { create, toBinary } from '@bufbuild/protobuf';
import { EnvelopeSchema } from '@stowage/api/types';
import type { Envelope } from '@stowage/events';
import { anyOf, timestampOf } from '@stowage/rpc';
import { seal } from './frame.ts';
import { LOG_START_KEY, listKey } from './keys.ts';
import { Milestones } from './milestones.ts';
import type { Store } from './store.ts';

/** What one mutation writes. All of it is there after a crash, or nothing. */
export interface Batch {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: ReadonlySet<string>;
  readonly events: readonly Envelope[];
}

/** Makes the batch once its place in the log, which may be part of what it writes, is known. */
export type BuildBatch = (seq: bigint) => Batch;

export interface Committed {
  /** Place of the mutation in the log. */
  readonly seq: bigint;
  readonly events: readonly Envelope[];
}

const MOST_AT_ONCE = 256;
/** Milestones of the log that one write drops at most, so that none takes long. */
const TRIM_AT_ONCE = 8;

type Operation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

interface Waiting {
  readonly build: BuildBatch;
  readonly done: PromiseWithResolvers<Committed>;
}

/** How much of the log is kept; what either is exceeded for is dropped, with the next writes. */
export interface KeepLog {
  readonly entries: bigint;
  readonly ageMs: number;
}

export interface QueueOptions {
  readonly keepLog: KeepLog;
  readonly now: () => Date;
  /** Told which keys are being written, until the result is disposed. */
  readonly writing: (keys: Iterable<string>) => Disposable;
}

/**
 * Writes mutations, those that come while the disk is busy together in one batch with one fsync, each with an entry
 * of the log. Batches are written one after the other, so the log on disk has no gaps.
 *
 * The first failure ends it: what LevelDB acknowledges after a failed write is lost at the next open, without a
 * word. Whoever waits, and whoever comes later, gets that failure.
 */
export class CommitQueue {
  readonly #store: Store;
  readonly #keepLog: KeepLog;
  readonly #milestones: Milestones;
  readonly #now: () => Date;
  readonly #writing: QueueOptions['writing'];
  readonly #onFailure: (e: unknown) => unknown;
  #seq: bigint;
  #logStart: bigint;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #batches = 0;

  /**
   * @param onFailure - Told once; gives the error that all others get.
   */
  constructor(
    from: {
      readonly store: Store;
      readonly seq: bigint;
      readonly logStart: bigint;
      readonly milestones: Milestones;
    },
    options: QueueOptions,
    onFailure: (e: unknown) => unknown,
  ) {
    this.#store = from.store;
    this.#seq = from.seq;
    this.#logStart = from.logStart;
    this.#milestones = from.milestones;
    this.#keepLog = options.keepLog;
    this.#now = options.now;
    this.#writing = options.writing;
    this.#onFailure = onFailure;
  }

  /** Number of the last mutation that is safe on disk. */
  get acknowledged(): bigint {
    return this.#seq;
  }

  /** Batches written, each with one fsync. */
  get batches(): number {
    return this.#batches;
  }

  /** Settles when the mutation survives a power cut. After a failure it may be on disk or not. */
  commit(build: BuildBatch): Promise<Committed> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const done = Promise.withResolvers<Committed>();
    this.#waiting.push({ build, done });
    this.#draining ??= this.#drain();
    return done.promise;
  }

  /** Settles when nothing is being written. */
  async idle(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  async #drain(): Promise<void> {
    // Lets all that is ready in this turn of the loop join the first batch.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      await this.#write(this.#waiting.splice(0, MOST_AT_ONCE));
    }
    const failure = this.#failure;
    if (failure !== undefined) for (const { done } of this.#waiting.splice(0)) done.reject(failure.error);
    this.#draining = undefined;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const operations: Operation[] = [];
    const built: Array<{ done: Waiting['done']; committed: Committed }> = [];
    let seq = this.#seq;
    const now = this.#now();
    for (const { build, done } of group) {
      try {
        const { puts, deletes, events } = build(seq + 1n);
        for (const key of deletes) operations.push({ type: 'del', key });
        for (const [key, value] of puts) operations.push({ type: 'put', key, value });
        built.push({ done, committed: { seq: seq + 1n, events } });
        for (const event of events.length > 0 ? events : [undefined]) {
          seq += 1n;
          operations.push(logEntry(seq, event, now));
          if (Milestones.isOne(seq)) this.#milestones.add(seq, now.getTime());
        }
      } catch (e) {
        done.reject(e);
      }
    }
    const logStart = this.#trim(seq, now.getTime(), operations);
    using _ = this.#writing(operations.map(({ key }) => key));
    try {
      if (operations.length > 0) await this.#store.batch(operations, { sync: true });
    } catch (e) {
      this.#failure = { error: this.#onFailure(e) };
      for (const { done } of built) done.reject(this.#failure.error);
      return;
    }
    this.#batches += 1;
    this.#seq = seq;
    this.#logStart = logStart;
    for (const { done, committed } of built) done.resolve(committed);
  }

  #trim(seq: bigint, nowMs: number, operations: Operation[]): bigint {
    const { entries, ageMs } = this.#keepLog;
    const last = this.#milestones.take(
      TRIM_AT_ONCE,
      (at, timeMs) => seq - at >= entries || nowMs - timeMs > ageMs,
    );
    if (last === undefined) return this.#logStart;
    for (let at = this.#logStart; at <= last; at += 1n)
      operations.push({ type: 'del', key: listKey('log', at) });
    const value = seal(LOG_START_KEY, Buffer.from((last + 1n).toString()));
    operations.push({ type: 'put', key: LOG_START_KEY, value });
    return last + 1n;
  }
}

function logEntry(seq: bigint, event: Envelope | undefined, now: Date): Operation {
  const key = listKey('log', seq);
  const message = create(EnvelopeSchema, {
    timestamp: timestampOf(now),
    ...(event && { namespace: event.namespace, topic: event.topic, event: anyOf(event.event) }),
  });
  return { type: 'put', key, value: seal(key, toBinary(EnvelopeSchema, message)) };
}
