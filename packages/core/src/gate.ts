/** Lets so many in at a time, in the order in which they came; with Infinity, all. */
export class Gate {
  readonly #width: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /**
   * Waits for a place and holds it until disposed.
   *
   * @throws the signal's reason if aborted while waiting.
   */
  async enter(signal: AbortSignal | undefined): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#inside < this.#width) this.#inside++;
    else await this.#wait(signal);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#leave();
        held = false;
      },
    };
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      // Not waiting any more: the place was handed over in this tick. Pass it on.
      if (!this.#waiting.delete(resolve)) this.#leave();
      reject(signal?.reason);
    };
    this.#waiting.add(resolve);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inside--;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}
