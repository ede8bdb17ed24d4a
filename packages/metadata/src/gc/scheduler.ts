import type { Logger } from '@stowage/core';
import type { Collected } from './collector.ts';
import { earlier } from './expiry.ts';

export interface ScheduleOptions {
  /** From the beginning to the first collection. */
  readonly startupDelayMs?: number | undefined;
  /** From a removal to the collection after it, so that many removals need one. */
  readonly scheduleDelayMs?: number | undefined;
  /** Removals before a collection is due. 0: they alone make none due. */
  readonly deletionThreshold?: number | undefined;
  /** Mutations before a collection is due, if there was a removal among them. 0: they make none due. */
  readonly mutationThreshold?: number | undefined;
  /** Most of the time that collecting may take, as a share of 1. */
  readonly pauseThreshold?: number | undefined;
}

/** Ingests that no lease holds expire without anybody announcing it. */
const LONGEST_MS = 60 * 60 * 1000;

/** Collects after removals and when something expires. One collection at a time. */
export class Scheduler implements AsyncDisposable {
  readonly #collector: { collect(): Promise<Collected> };
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
  #lastMs = 0;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    collector: { collect(): Promise<Collected> },
    now: () => Date,
    options: ScheduleOptions,
    log: Logger,
  ) {
    this.#collector = collector;
    this.#now = now;
    this.#log = log;
    const { startupDelayMs = 100, scheduleDelayMs = 100, pauseThreshold = 0.1 } = options;
    const { deletionThreshold = 1, mutationThreshold = 100 } = options;
    this.#scheduleDelayMs = scheduleDelayMs;
    this.#deletionThreshold = deletionThreshold;
    this.#mutationThreshold = mutationThreshold;
    this.#pauseThreshold = pauseThreshold;
    this.#in(startupDelayMs);
  }

  /** Something was written. */
  mutated(removes: boolean): void {
    this.#mutations += 1;
    if (removes) this.#removals += 1;
    const due =
      reached(this.#removals, this.#deletionThreshold) ||
      (this.#removals > 0 && reached(this.#mutations, this.#mutationThreshold));
    if (due) this.#in(Math.max(this.#scheduleDelayMs, this.#lastMs / this.#pauseThreshold - this.#lastMs));
  }

  /** Something that will expire was made. */
  expires(at: Date): void {
    this.#in(Math.max(at.getTime() - this.#now().getTime(), this.#scheduleDelayMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #in(delayMs: number): void {
    const due = performance.now() + Math.min(delayMs, LONGEST_MS);
    if (this.#stopped || due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#running = this.#run();
      },
      Math.max(due - performance.now(), 0),
    ).unref();
  }

  async #run(): Promise<void> {
    this.#due = Number.POSITIVE_INFINITY;
    this.#removals = 0;
    this.#mutations = 0;
    let next: Date | undefined;
    try {
      const collected = await this.#collector.collect();
      this.#lastMs = collected.durationMs;
      next = earlier(collected.nextExpiry, new Date(this.#now().getTime() + LONGEST_MS));
    } catch (e) {
      this.#log.warn({ err: e }, 'garbage collection failed; it will be tried again');
      next = new Date(this.#now().getTime() + 60_000);
    }
    if (next !== undefined) this.expires(next);
  }
}

function reached(count: number, threshold: number): boolean {
  return threshold > 0 && count >= threshold;
}
