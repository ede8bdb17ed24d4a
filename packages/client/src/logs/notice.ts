import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A log is looked at so often even if nothing tells that it grew. */
const LOOK_MS = 1000;

/** What a container printed last is in its log so long after its end, at the latest. */
const SETTLE_MS = 300;

/** Tells when to look at a log again, and when for the last time. */
export class Notice implements Disposable {
  readonly #watcher: FSWatcher;
  readonly #signal: AbortSignal;
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  /**
   * @param path - of the log, whose directory must be there.
   * @param ended - settles when the container has ended, or is gone.
   * @param signal - ends it at once.
   */
  constructor(path: string, ended: Promise<unknown>, signal: AbortSignal) {
    this.#signal = signal;
    this.#watcher = watch(dirname(path), () => this.#wake());
    this.#watcher.on('error', () => undefined);
    const over = () => {
      this.#isOver = true;
      this.#wake();
    };
    const settle = () => delay(SETTLE_MS, undefined, { signal }).then(over, over);
    ended.then(settle, settle);
  }

  /** Whether what is in the log by now is all. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Settles when there may be more. @throws the signal's reason. */
  async next(): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#signal]);
    try {
      const looked = delay(LOOK_MS, undefined, { signal });
      looked.catch(() => undefined);
      await Promise.race([this.#changed.promise, looked]).catch(() => undefined);
      this.#signal.throwIfAborted();
      this.#changed = Promise.withResolvers<void>();
    } finally {
      stop.abort();
    }
  }

  #wake(): void {
    this.#changed.resolve();
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}
