import { randomUUID } from 'node:crypto';
import { Fault } from '@stowage/core';
import type { Stream, Streams } from '@stowage/streaming';

/** How long what goes beside a call may take after it. */
const FINISH_MS = 30_000;

/** Streams that a client opens for one transfer, each with what goes on at its end. */
export class OpenedStreams implements AsyncDisposable {
  readonly #streams: Streams;
  readonly #onFailure: (e: unknown) => void;
  readonly #signal: AbortSignal;
  readonly #opened: Stream[] = [];
  readonly #work: Array<Promise<void>> = [];
  #failure: unknown;
  #isOver = false;

  constructor(streams: Streams, onFailure: (e: unknown) => void, signal: AbortSignal) {
    this.#streams = streams;
    this.#onFailure = onFailure;
    this.#signal = signal;
  }

  /** What failed first of what goes beside. */
  get failure(): unknown {
    return this.#failure;
  }

  /** @returns the id to tell. A failure of `use` is one of the transfer. */
  async open(what: string, use: (stream: Stream) => Promise<void>): Promise<string> {
    const id = `${what}-${randomUUID()}`;
    const stream = await this.#streams.open(id, { signal: this.#signal });
    this.#opened.push(stream);
    const failed = (e: unknown) => {
      if (this.#isOver || this.#failure !== undefined) return;
      this.#failure = e;
      this.#onFailure(e);
    };
    this.#work.push(use(stream).catch(failed));
    return id;
  }

  /** Waits until all that was sent has been dealt with. @throws what of it failed. */
  async finish(): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = new Fault('deadline_exceeded', `transfer: its streams did not end in ${FINISH_MS} ms`);
    const timer = setTimeout(() => reject(late), FINISH_MS);
    try {
      await Promise.race([Promise.all(this.#work), promise]);
    } finally {
      clearTimeout(timer);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const stream of this.#opened) await stream[Symbol.asyncDispose]();
  }
}
