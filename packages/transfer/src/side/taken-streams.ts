import { Fault } from '@stowage/core';
import type { Stream, StreamManager } from '@stowage/streaming';

/** The client's streams that one transfer uses. */
export class TakenStreams {
  readonly #manager: StreamManager;
  readonly #taken: Stream[] = [];
  readonly #endings: Array<() => Promise<void>> = [];

  constructor(manager: StreamManager) {
    this.#manager = manager;
  }

  /** @throws Fault as {@link StreamManager.take}. */
  take(id: string): Stream {
    const stream = this.#manager.take(id);
    this.#taken.push(stream);
    return stream;
  }

  /** Has something more done before the streams are closed. It must end by itself. */
  atEnd(ending: () => Promise<void>): void {
    this.#endings.push(ending);
  }

  /** Ends those that are still open. */
  async close(): Promise<void> {
    for (const ending of this.#endings) await ending();
    for (const stream of this.#taken) {
      // Who may not be reading is not waited for: what must arrive was waited for where it was sent.
      void stream.close().catch(() => undefined);
      await stream[Symbol.asyncDispose]();
    }
  }

  /** Breaks them off, so that nobody takes what came for the whole. */
  fail(e: unknown): void {
    const reason = Fault.is(e) ? e : new Fault('aborted', 'transfer: it failed', { cause: e });
    for (const stream of this.#taken) stream.abort(reason);
  }
}
