/**
 * Locks by key, first come first served. Whoever needs several keys asks for them in one call, which takes them
 * in sorted order, so that two callers never wait for each other.
 */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Waits for all keys and holds them until disposed.
   *
   * @throws the signal's reason if aborted while waiting; nothing is held then.
   */
  async acquire(keys: readonly string[], signal?: AbortSignal): Promise<Disposable> {
    const held: Array<() => void> = [];
    const release = () => {
      for (const free of held.splice(0)) free();
    };
    try {
      for (const key of [...new Set(keys)].sort()) held.push(await this.#one(key, signal));
    } catch (e) {
      release();
      throw e;
    }
    return { [Symbol.dispose]: release };
  }

  /** Takes the key only if nobody holds or awaits it. */
  tryAcquire(key: string): Disposable | undefined {
    if (this.#tails.has(key)) return undefined;
    return { [Symbol.dispose]: this.#enqueue(key).free };
  }

  #enqueue(key: string): { before: Promise<void> | undefined; free: () => void } {
    const before = this.#tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    const tail = before === undefined ? promise : before.then(() => promise);
    this.#tails.set(key, tail);
    const free = () => {
      resolve();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
    return { before, free };
  }

  async #one(key: string, signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    const { before, free } = this.#enqueue(key);
    if (before === undefined) return free;
    if (signal === undefined) {
      await before;
      return free;
    }
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([before, aborted.promise]);
      return free;
    } catch (e) {
      // The place in the queue is given up, not skipped: whoever waits behind still waits for those ahead.
      void before.then(free);
      throw e;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
