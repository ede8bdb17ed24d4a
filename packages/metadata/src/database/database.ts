import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault, type Logger, reasonOf } from '@stowage/core';
import { type BuildBatch, CommitQueue, type Committed, type KeepLog } from './commit-queue.ts';
import type { FindEvidence } from './evidence.ts';
import { kindOfFailure } from './failures.ts';
import { type Sealed, unseal } from './frame.ts';
import { type Opened, openGuarded } from './guard.ts';
import { MARK_FILE, SCHEMA, writeMark } from './mark.ts';
import { RecordCache } from './record-cache.ts';
import type { RawStore } from './scan.ts';
import { rawStore, type Store } from './store.ts';

export interface DatabaseOptions {
  readonly log: Logger;
  /** Entries of the log of mutations that are kept; 100,000 unless told, and none for longer than a day. */
  readonly keepLog?: bigint | undefined;
  readonly now?: (() => Date) | undefined;
  /** Looks for what tells that there was a database, before a new one is made. */
  readonly evidence?: FindEvidence | undefined;
}

const KEEP_LOG = 100_000n;
const KEEP_LOG_MS = 24 * 60 * 60 * 1000;
const MARK_EVERY_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const PAGE = 100;
/** Answers from memory between two turns of the loop. */
const TURN_EVERY = 100;

/**
 * The level database under metadata: values with checksums, mutations in groups, and no further use after a failed
 * write until it has been closed, opened and found whole again. That is done here, in the background.
 */
export class Database implements AsyncDisposable {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #keepLog: KeepLog;
  readonly #now: () => Date;
  #opened: Opened;
  #queue: CommitQueue;
  /** Of what is open now. */
  #cache = new RecordCache();
  #epoch = 1;
  #fromMemoryCount = 0;
  /** Set while the handle is poisoned. */
  #failure: Fault | undefined;
  #reopening: Promise<void> | undefined;
  #reopened: (() => void) | undefined;
  readonly #closing = new AbortController();
  #markTimer: NodeJS.Timeout | undefined;
  #marking: Promise<void> = Promise.resolve();

  private constructor(
    directory: string,
    opened: Opened,
    { log, keepLog = KEEP_LOG, now = () => new Date() }: DatabaseOptions,
  ) {
    this.#directory = directory;
    this.#opened = opened;
    this.#log = log;
    this.#keepLog = { entries: keepLog, ageMs: KEEP_LOG_MS };
    this.#now = now;
    this.#queue = this.#newQueue();
  }

  /** @throws Fault as {@link openGuarded} */
  static async open(directory: string, options: DatabaseOptions): Promise<Database> {
    return new Database(directory, await openGuarded(directory, { evidence: options.evidence }), options);
  }

  /** Grows each time the database was reopened. What was read before then is no ground for writing after. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Batches written since the last open, for tests and statistics. */
  get batches(): number {
    return this.#queue.batches;
  }

  /** Where LevelDB's files are. */
  get path(): string {
    return join(this.#directory, 'db');
  }

  /** For whoever goes through all of it as it lies there, damaged or not. @throws Fault as {@link get}, but `data_loss`. */
  raw(): RawStore {
    return {
      get: (key) => this.#read(() => this.#usable().get(key)),
      pages: () => rawStore(this.#usable()).pages(),
    };
  }

  /** Sets what is to be done after each reopen. */
  onReopened(action: () => void): void {
    this.#reopened = action;
  }

  /** @throws Fault `data_loss` if the value was changed by the disk; `unavailable` while reopening. */
  async get(key: string): Promise<Sealed | undefined> {
    const store = this.#usable();
    const known = this.#cache.get(key);
    if (known !== undefined) return this.#fromMemory(known);
    return this.#cache.fill(key, async () => {
      const bytes = await this.#read(() => store.get(key));
      return bytes === undefined ? undefined : unseal(key, bytes);
    });
  }

  async has(key: string): Promise<boolean> {
    const store = this.#usable();
    return this.#cache.has(key) ? this.#fromMemory(true) : this.#read(() => store.has(key));
  }

  /** Whether each of the keys is there, in one read. */
  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return this.#read(() => this.#usable().hasMany([...keys]));
  }

  /** All records of a range, as of the first `next()`. */
  async *entries(range: { gte: string; lt: string }): AsyncGenerator<[string, Sealed]> {
    const iterator = this.#usable().iterator(range);
    try {
      for (;;) {
        const page = await this.#read(() => iterator.nextv(PAGE));
        if (page.length === 0) return;
        for (const [key, bytes] of page) yield [key, unseal(key, bytes)];
      }
    } finally {
      await iterator.close();
    }
  }

  /** Whether a range holds anything. */
  async any(range: { gte: string; lt: string }): Promise<boolean> {
    const iterator = this.#usable().keys({ ...range, limit: 1 });
    try {
      return (await this.#read(() => iterator.next())) !== undefined;
    } finally {
      await iterator.close();
    }
  }

  /**
   * Writes one mutation, together with others.
   *
   * @param epoch - As it was when the mutation began to read.
   * @throws Fault `unavailable` or `resource_exhausted`: whether it was written is then unknown.
   */
  async commit(epoch: number, build: BuildBatch): Promise<Committed> {
    if (this.#failure !== undefined) throw this.#failure;
    if (epoch !== this.#epoch)
      throw new Fault('unavailable', 'write metadata: it was reopened meanwhile; try again');
    const committed = await this.#queue.commit(build);
    this.#markTimer ??= setTimeout(() => this.#mark(), MARK_EVERY_MS).unref();
    return committed;
  }

  /** Settles when nothing is being written. */
  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#reopening;
    await this.#queue.idle();
    this.#mark();
    await this.#marking;
    clearTimeout(this.#markTimer);
    await this.#opened.store.close();
  }

  #newQueue(): CommitQueue {
    const cache = new RecordCache();
    this.#cache = cache;
    const writing = (keys: Iterable<string>) => cache.writing(keys);
    return new CommitQueue(this.#opened, { keepLog: this.#keepLog, now: this.#now, writing }, (e) =>
      this.#poison(e),
    );
  }

  /** Lets the loop turn now and then: whoever reads much would otherwise keep everybody else waiting. */
  async #fromMemory<T>(known: T): Promise<T> {
    this.#fromMemoryCount += 1;
    if (this.#fromMemoryCount % TURN_EVERY === 0) await new Promise(setImmediate);
    return known;
  }

  #usable(): Store {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing.signal.aborted) throw new Fault('unavailable', 'read metadata: it is closed');
    return this.#opened.store;
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (e) {
      if (Fault.is(e)) throw e;
      if (this.#failure !== undefined) throw this.#failure;
      const reason = reasonOf(e);
      const kind = kindOfFailure(reason);
      throw new Fault(kind, `read metadata ${this.#directory}: ${reason}`, { cause: e });
    }
  }

  #poison(e: unknown): Fault {
    const reason = reasonOf(e);
    const kind = kindOfFailure(reason) === 'resource_exhausted' ? 'resource_exhausted' : 'unavailable';
    const text = `write metadata ${this.#directory}: ${reason}; it is being reopened, try again`;
    this.#failure = new Fault(kind, text, { cause: e });
    this.#log.error({ err: e }, 'a write to metadata failed; reopening it');
    // In the background: whoever waits for the failed write must hear of it first.
    this.#reopening = this.#reopen(this.#queue.acknowledged).finally(() => {
      this.#reopening = undefined;
    });
    return this.#failure;
  }

  async #reopen(acknowledged: bigint): Promise<void> {
    await this.#opened.store.close();
    const { signal } = this.#closing;
    for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        this.#opened = await openGuarded(this.#directory, { atLeast: acknowledged });
        this.#queue = this.#newQueue();
        this.#epoch += 1;
        this.#failure = undefined;
        this.#log.info({ seq: this.#opened.seq.toString() }, 'metadata is open again');
        this.#reopened?.();
        return;
      } catch (e) {
        this.#log.error({ err: e }, 'metadata could not be reopened');
        if (Fault.is(e, 'data_loss')) {
          this.#failure = e;
          return;
        }
        await pause(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  /** Never ahead of what was acknowledged, so a crash at any point leaves a mark that holds. */
  #mark(): void {
    clearTimeout(this.#markTimer);
    this.#markTimer = undefined;
    const { uuid } = this.#opened;
    const path = join(this.#directory, MARK_FILE);
    this.#marking = this.#marking
      .then(() => writeMark(path, { uuid, schema: SCHEMA, seq: this.#queue.acknowledged }))
      .catch((e: unknown) => this.#log.warn({ err: e }, 'the mark beside metadata could not be written'));
  }
}
