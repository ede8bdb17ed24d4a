/** Does something again and again, one at a time, and once more after the last time that it was asked to. */
export class Asking {
  readonly #pauseMs: number;
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #left = new AbortController();
  #state: 'idle' | 'waiting' | 'busy' | 'stale' = 'idle';

  /** @param work - does not throw. */
  constructor(pauseMs: number, work: (signal: AbortSignal) => Promise<void>) {
    this.#pauseMs = pauseMs;
    this.#work = work;
  }

  /** Has it done after the pause, or after what is under way and the pause. */
  again(): void {
    if (this.#state === 'busy') this.#state = 'stale';
    if (this.#state !== 'idle') return;
    this.#state = 'waiting';
    setTimeout(() => void this.#do(), this.#pauseMs);
  }

  /** Ends what is under way, and does nothing more. */
  stop(): void {
    this.#left.abort();
  }

  async #do(): Promise<void> {
    const { signal } = this.#left;
    if (signal.aborted) return;
    this.#state = 'busy';
    await this.#work(signal);
    const isStale = (this.#state as string) === 'stale';
    this.#state = 'idle';
    if (isStale) this.again();
  }
}
