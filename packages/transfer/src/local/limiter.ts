import { abortable } from '@stowage/core';

/** Lets in so many at a time, in the order in which they came; 0 lets in all. */
export class Limiter {
  readonly #places: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** @throws the signal's reason if it fires while waiting. */
  async enter(signal: AbortSignal | undefined): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#places > 0 && this.#taken >= this.#places) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      try {
        await abortable(promise, signal);
      } catch (e) {
        // The place was handed over in this very moment: it is the next one's.
        if (!this.#waiting.delete(resolve)) this.#leave();
        throw e;
      }
    } else {
      this.#taken++;
    }
    let isIn = true;
    return {
      [Symbol.dispose]: () => {
        if (isIn) this.#leave();
        isIn = false;
      },
    };
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken--;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}
