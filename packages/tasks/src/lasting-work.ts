import { KeyedLock, type Logger, reasonOf } from '@stowage/core';

/** How long work may still take once its caller has left. */
const GRACE_MS = 10_000;

export interface Work<T> {
  /** @param signal - ends it: its caller has left long ago, or everything stops. */
  run(signal: AbortSignal): Promise<T>;
  /** Undoes it, for a caller who left before it was done. */
  undo?(signal: AbortSignal): Promise<unknown>;
}

/**
 * Work that a caller may leave but not interrupt, one at a time for each key. What is half done then, no one else
 * sees: it is finished, or undone, before the key is free again.
 */
export class LastingWork implements AsyncDisposable {
  readonly #locks = new KeyedLock();
  readonly #running = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Fires when everything stops. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * @throws the signal's reason as soon as it fires; what the work throws; AbortError, without beginning, once
   *   everything stops.
   */
  async run<T>(key: string, { run, undo }: Work<T>, signal: AbortSignal | undefined): Promise<T> {
    const stop = this.#stop.signal;
    const lock = await this.#locks.acquire([key], signal ? AbortSignal.any([signal, stop]) : stop);
    const caller = new Caller(signal, this.#stop.signal);
    const finished = this.#finish(key, { run, ...(undo && { undo }) }, lock, caller);
    this.#running.add(finished);
    finished.catch(() => {}).finally(() => this.#running.delete(finished));
    return Promise.race([finished, caller.left]);
  }

  async #finish<T>(key: string, { run, undo }: Work<T>, lock: Disposable, caller: Caller): Promise<T> {
    using _lock = lock;
    using _caller = caller;
    try {
      this.#stop.signal.throwIfAborted();
      const value = await run(caller.patience);
      if (caller.stays() || undo === undefined) return value;
      await undo(this.#stop.signal);
      return value;
    } catch (e) {
      if (!caller.stays()) this.#log.warn({ key, reason: reasonOf(e) }, 'failed after its caller had left');
      throw e;
    }
  }

  /** Gives up what is under way and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
  }
}

/** Whoever asked for work, and how long it may take. */
class Caller implements Disposable {
  /** Rejects when the caller leaves. */
  readonly left: Promise<never>;
  /** Fires some time after the caller left, or when everything stops. */
  readonly patience: AbortSignal;
  readonly #signal: AbortSignal | undefined;
  readonly #leave: () => void;
  #timer: NodeJS.Timeout | undefined;
  #gone = false;

  constructor(signal: AbortSignal | undefined, stop: AbortSignal) {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = new AbortController();
    promise.catch(() => {});
    this.left = promise;
    this.patience = AbortSignal.any([late.signal, stop]);
    this.#signal = signal;
    this.#leave = () => {
      this.#gone = true;
      this.#timer = setTimeout(() => late.abort(signal?.reason), GRACE_MS);
      reject(signal?.reason);
    };
    if (signal?.aborted) this.#leave();
    else signal?.addEventListener('abort', this.#leave, { once: true });
  }

  /** Whether the caller is still there; if so, it can't leave any more. */
  stays(): boolean {
    if (!this.#gone) this.#signal?.removeEventListener('abort', this.#leave);
    return !this.#gone;
  }

  [Symbol.dispose](): void {
    this.stays();
    clearTimeout(this.#timer);
  }
}
