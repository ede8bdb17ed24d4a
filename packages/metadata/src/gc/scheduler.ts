import type { Logger } from '@stowage/core';
import type { Collected, CollectOptions } from './collector.ts';

/** As containerd's plugins/gc/scheduler.go has them, with its defaults. */
export interface ScheduleOptions {
  /** From the beginning to the first collection: 100. 0: there is none before something calls for it. */
  readonly startupDelayMs?: number | undefined;
  /** From when enough was removed to the collection, so that more may join: 0. */
  readonly scheduleDelayMs?: number | undefined;
  /** Removals that call for a collection at once, without waiting for the interval to end: 0, no number of them does. */
  readonly deletionThreshold?: number | undefined;
  /** Mutations after which there is a collection at the end of the interval though nothing was removed: 100. 0: never. */
  readonly mutationThreshold?: number | undefined;
  /** Most of the time that marking and sweeping may take, as a share of 1; it gives the interval. 0.02; at most 0.5. */
  readonly pauseThreshold?: number | undefined;
}

/** Takes the time for the last collections, if they took less. */
const LEAST_MS = 5;
/** Between collections, where no share of the time is given. */
const INTERVAL_MS = 1000;
/** Ingests that no lease holds expire without anybody announcing it. */
const LONGEST_MS = 60 * 60 * 1000;

/**
 * Collects as containerd does: at the end of an interval if something was removed in it, or enough was written; where
 * the interval is long enough that collecting takes its share of the time and no more. Unlike there, also when
 * something expires. One collection at a time. The first one looks for what backends have and nothing names.
 */
export class Scheduler implements AsyncDisposable {
  readonly #collector: { collect(options: CollectOptions): Promise<Collected> };
  readonly #now: () => Date;
  readonly #log: Logger;
  readonly #scheduleDelayMs: number;
  readonly #deletionThreshold: number;
  readonly #mutationThreshold: number;
  readonly #pauseThreshold: number;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #removals = 0;
  #mutations = 0;
  #intervalMs = INTERVAL_MS;
  /** When the last collection ended, on the clock of `performance`; undefined before the first. */
  #last: number | undefined;
  #collections = 0;
  #sumMs = 0;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(
    collector: { collect(options: CollectOptions): Promise<Collected> },
    now: () => Date,
    options: ScheduleOptions,
    log: Logger,
  ) {
    this.#collector = collector;
    this.#now = now;
    this.#log = log;
    const { startupDelayMs = 100, scheduleDelayMs = 0, pauseThreshold = 0.02 } = options;
    const { deletionThreshold = 0, mutationThreshold = 100 } = options;
    this.#scheduleDelayMs = scheduleDelayMs;
    this.#deletionThreshold = deletionThreshold;
    this.#mutationThreshold = mutationThreshold;
    this.#pauseThreshold = Math.min(Math.max(pauseThreshold, 0), 0.5);
    if (startupDelayMs > 0) this.#in(startupDelayMs);
  }

  /** Something was written. */
  mutated(removes: boolean): void {
    this.#mutations += 1;
    if (removes) this.#removals += 1;
    this.#plan();
  }

  /** Something that will expire was made. */
  expires(at: Date): void {
    // A timer may fire a little early, and what expires at a moment is still there at that moment.
    const inMs = at.getTime() - this.#now().getTime() + 2;
    this.#in(
      Math.max(inMs, this.#last === undefined ? 0 : this.#last + this.#intervalMs - performance.now()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(): void {
    // Before the first collection nothing is scheduled but that one, if it is.
    const waits = this.#last !== undefined || this.#due !== Number.POSITIVE_INFINITY;
    if (reached(this.#removals, this.#deletionThreshold)) this.#in(this.#scheduleDelayMs);
    else if (this.#removals === 0 && !reached(this.#mutations, this.#mutationThreshold)) return;
    else if (!waits) this.#in(this.#scheduleDelayMs);
    else if (this.#last !== undefined) this.#in(this.#untilIntervalEnds(this.#last));
  }

  /** Intervals follow each other from the last collection on, so that removals that come together need one. */
  #untilIntervalEnds(last: number): number {
    const since = performance.now() - last;
    return this.#intervalMs - (since % this.#intervalMs);
  }

  #in(delayMs: number): void {
    if (this.#stopped) return;
    const due = performance.now() + Math.min(Math.max(delayMs, 0), LONGEST_MS);
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fire(), Math.max(due - performance.now(), 0)).unref();
  }

  /** One that is called for during a collection begins after it. */
  #fire(): void {
    this.#running = (this.#running ?? Promise.resolve()).then(() => this.#run());
  }

  async #run(): Promise<void> {
    if (this.#stopped) return;
    this.#due = Number.POSITIVE_INFINITY;
    this.#removals = 0;
    this.#mutations = 0;
    const isFirst = this.#last === undefined;
    let next = LONGEST_MS;
    try {
      const { markAndSweepMs, nextExpiry } = await this.#collector.collect({ orphans: isFirst });
      this.#collections += 1;
      this.#sumMs += markAndSweepMs;
      if (this.#pauseThreshold > 0) {
        const averageMs = Math.max(this.#sumMs / this.#collections, LEAST_MS);
        this.#intervalMs = averageMs / this.#pauseThreshold - averageMs;
      }
      this.#last = performance.now();
      if (nextExpiry !== undefined) this.expires(nextExpiry);
    } catch (e) {
      this.#log.warn({ err: e }, 'garbage collection failed; it will be tried again');
      if (this.#last !== undefined) this.#last = performance.now();
      next = this.#intervalMs + 1000;
    }
    this.#in(next);
    this.#plan();
  }
}

function reached(count: number, threshold: number): boolean {
  return threshold > 0 && count >= threshold;
}
