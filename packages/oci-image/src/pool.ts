/** Runs at most so many things at a time, in the order in which they came. */
export class Pool {
  readonly #width: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(width: number) {
    this.#width = Math.max(1, Math.floor(width));
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#width) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#running++;
    try {
      return await work();
    } finally {
      // The place passes on to the next in line; it is never free in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/**
 * All results, as `Promise.all`, but it settles only after everything has, so that nothing goes on behind the caller's
 * back. Once one fails, `stop` is called for the others; theirs is not the failure that is told.
 */
export async function allSettled<T>(work: readonly Promise<T>[], stop: () => void): Promise<T[]> {
  const failures: unknown[] = [];
  const results: T[] = [];
  const settle = async (one: Promise<T>, i: number) => {
    try {
      results[i] = await one;
    } catch (e) {
      failures.push(e);
      stop();
    }
  };
  await Promise.all(work.map(settle));
  if (failures.length > 0) throw failures[0];
  return results;
}
