import { Gate } from '@stowage/core';

/** Lets so many in at a time, and only so many of them to one origin. */
export class Gates {
  readonly #all: Gate;
  readonly #widthEach: number;
  /** Of origins that somebody is at or waits for, with how many. */
  readonly #each = new Map<string, { readonly gate: Gate; users: number }>();

  constructor(widthAll: number, widthEach: number) {
    this.#all = new Gate(widthAll);
    this.#widthEach = widthEach;
  }

  /**
   * Waits for a place and holds it until disposed.
   *
   * @throws the signal's reason if aborted while waiting.
   */
  async enter(origin: string, signal: AbortSignal | undefined): Promise<Disposable> {
    const own = this.#each.get(origin) ?? { gate: new Gate(this.#widthEach), users: 0 };
    this.#each.set(origin, own);
    own.users++;
    const release = () => {
      if (--own.users === 0) this.#each.delete(origin);
    };
    try {
      // The origin's first: who waits for a busy one must not keep others from an idle one.
      const inner = await own.gate.enter(signal);
      try {
        const outer = await this.#all.enter(signal);
        let held = true;
        return {
          [Symbol.dispose]: () => {
            if (!held) return;
            held = false;
            outer[Symbol.dispose]();
            inner[Symbol.dispose]();
            release();
          },
        };
      } catch (e) {
        inner[Symbol.dispose]();
        throw e;
      }
    } catch (e) {
      release();
      throw e;
    }
  }
}
