import { availableParallelism } from 'node:os';

/** How many layers at a time, unless it is said: the machine's processors, at least 2, at most 4. */
export function atATime(said: number | undefined): number {
  return said ?? Math.min(Math.max(availableParallelism(), 2), 4);
}

/** Lets so many at a time do something; the others wait in the order in which they came. */
export class Turns {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #busy = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Waits for a turn. @throws the signal's reason. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#busy < this.#most) this.#busy++;
    else await this.#wait(signal);
    return { [Symbol.dispose]: () => this.#pass() };
  }

  /** Waits until nobody is at it. */
  async idle(): Promise<void> {
    if (this.#busy === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      this.#waiting.delete(resolve);
      reject(signal.reason);
    };
    // Whoever ends passes its place on, so the count stays as it is.
    this.#waiting.add(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #pass(): void {
    const [first] = this.#waiting;
    if (first !== undefined) {
      this.#waiting.delete(first);
      first();
      return;
    }
    this.#busy--;
    if (this.#busy === 0) this.#idle?.resolve();
  }
}
