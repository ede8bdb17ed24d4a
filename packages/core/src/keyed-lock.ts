/**
 * Locks by key, first come first served. Whoever needs several keys asks for them in one call, which takes them
 * in sorted order, so that two callers never wait for each other.
 */
export class KeyedLock {
  /** The keys that are held, each with those who wait for it in order of arrival. */
  readonly #waiting = new Map<string, Set<() => void>>();

  /**
   * Waits for all keys and holds them until disposed.
   *
   * @throws the signal's reason if aborted while waiting; nothing is held then.
   */
  async acquire(keys: readonly string[], signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    const held: string[] = [];
    const release = () => {
      for (const key of held.splice(0)) this.#release(key);
    };
    try {
      for (const key of [...new Set(keys)].sort()) {
        await this.#take(key, signal);
        held.push(key);
        signal?.throwIfAborted();
      }
    } catch (e) {
      release();
      throw e;
    }
    return { [Symbol.dispose]: release };
  }

  /** Takes the key only if nobody holds or awaits it. */
  tryAcquire(key: string): Disposable | undefined {
    if (this.#waiting.has(key)) return undefined;
    this.#waiting.set(key, new Set());
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#release(key);
        held = false;
      },
    };
  }

  async #take(key: string, signal: AbortSignal | undefined): Promise<void> {
    const queue = this.#waiting.get(key);
    if (queue === undefined) {
      this.#waiting.set(key, new Set());
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      // Not in the queue any more: the key was handed over in this tick. `acquire` gives it back.
      if (queue.delete(resolve)) reject(signal?.reason);
    };
    queue.add(resolve);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Hands the key to whoever has waited longest; it is never free in between, so nobody can jump the queue. */
  #release(key: string): void {
    const queue = this.#waiting.get(key);
    const [next] = queue ?? [];
    if (next === undefined) {
      this.#waiting.delete(key);
    } else {
      queue?.delete(next);
      next();
    }
  }
}
