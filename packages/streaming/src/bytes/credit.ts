import { abortable, Fault, quote } from '@stowage/core';
import type { Stream } from '../stream.ts';
import { grantOf } from './messages.ts';

/** Most credit that can make sense: HTTP/2 has the same limit. */
const MAX_CREDIT = 2 ** 31 - 1;

/** What a receiver has granted. Its messages are read at once, so that it can always go on. */
export class Credit implements Disposable {
  readonly #stream: Stream;
  readonly #stop = new AbortController();
  #bytes = 0;
  #failure: unknown;
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  constructor(stream: Stream) {
    this.#stream = stream;
    void this.#listen();
  }

  /**
   * Waits until there is some.
   *
   * @returns how many bytes may be sent, `most` at most; they are spent.
   * @throws Fault `unavailable` if the receiver grants no more; what the stream failed with.
   */
  async spend(most: number, signal: AbortSignal | undefined): Promise<number> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const bytes = Math.min(most, this.#bytes);
      if (bytes > 0) {
        this.#bytes -= bytes;
        return bytes;
      }
      if (this.#isOver) {
        throw new Fault('unavailable', `stream ${quote(this.#stream.id)}: its receiver has closed it`);
      }
      await abortable(this.#changed.promise, signal);
    }
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        const message = await this.#stream.receive({ signal });
        if (message === undefined) break;
        this.#add(grantOf(message));
      }
      this.#isOver = true;
    } catch (e) {
      this.#failure = e;
    }
    this.#wake();
  }

  #add(grant: number): void {
    if (grant <= 0 || this.#bytes + grant > MAX_CREDIT) {
      const subject = `stream ${quote(this.#stream.id)}`;
      throw new Fault('failed_precondition', `${subject}: a grant of ${grant} bytes onto ${this.#bytes}`);
    }
    this.#bytes += grant;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
