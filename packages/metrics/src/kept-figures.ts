import { type Logger, reasonOf } from '@stowage/core';
import type { Collector } from './collector.ts';
import type { Family } from './exposition.ts';

/** Nobody is asked for figures again sooner than this. */
const FRESH_MS = 1000;
/** Nor sooner than so many times as long as asking took: collecting never takes more than a twentieth of the time. */
const REST = 20;
/** Who is slower has its last figures printed, and goes on. */
const PATIENCE_MS = 3000;
const LONGEST_MS = 60_000;

/** What is known of one collector's last run. */
export interface Collection {
  readonly name: string;
  readonly families: readonly Family[];
  readonly tookMs: number;
  readonly succeeded: boolean;
}

interface Run {
  readonly done: Promise<void>;
  readonly stop: AbortController;
  /** Those that ask, less those that left. */
  waiting: number;
}

/**
 * The figures of one collector, for all who ask: it runs once at a time and not too often, however many there are and
 * however often they ask. A run that nobody waits for any more, because they left, is given up.
 */
export class KeptFigures {
  readonly #collector: Collector;
  readonly #log: Logger;
  #last: Collection;
  #freshUntil = 0;
  #running: Run | undefined;

  constructor(collector: Collector, log: Logger) {
    this.#collector = collector;
    this.#log = log;
    this.#last = { name: collector.name, families: [], tookMs: 0, succeeded: false };
  }

  /**
   * Waits for 3 s at most; the figures are then those of the last run, which tells that it has not succeeded.
   *
   * @throws the signal's reason.
   */
  async read(signal: AbortSignal): Promise<Collection> {
    signal.throwIfAborted();
    if (this.#running === undefined && performance.now() < this.#freshUntil) return this.#last;
    this.#running ??= this.#run();
    const running = this.#running;
    running.waiting += 1;
    const left = Promise.withResolvers<'late'>();
    const leave = () => {
      // Whoever was too impatient still wants the figures the next time, and so is not counted off.
      running.waiting -= 1;
      if (running.waiting === 0) running.stop.abort(signal.reason);
      left.reject(signal.reason);
    };
    const timer = setTimeout(left.resolve, PATIENCE_MS, 'late').unref();
    signal.addEventListener('abort', leave, { once: true });
    try {
      const end = await Promise.race([running.done, left.promise]);
      if (end === 'late') return { ...this.#last, succeeded: false };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
    return this.#last;
  }

  /** Gives up what is under way. */
  async stop(reason: unknown): Promise<void> {
    this.#running?.stop.abort(reason);
    await this.#running?.done;
  }

  #run(): Run {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(LONGEST_MS)]);
    return { done: this.#collect(signal, stop.signal), stop, waiting: 0 };
  }

  /** Never rejects. */
  async #collect(signal: AbortSignal, stopped: AbortSignal): Promise<void> {
    const { name } = this.#collector;
    const began = performance.now();
    try {
      const families = await this.#collector.collect({ signal });
      this.#last = { name, families, tookMs: performance.now() - began, succeeded: true };
    } catch (e) {
      if (!stopped.aborted)
        this.#log.warn({ collector: name, reason: reasonOf(e) }, 'no figures for metrics');
      this.#last = { name, families: [], tookMs: performance.now() - began, succeeded: false };
    } finally {
      this.#running = undefined;
      const restMs = Math.max(FRESH_MS, REST * this.#last.tookMs);
      this.#freshUntil = stopped.aborted ? 0 : performance.now() + restMs;
    }
  }
}
