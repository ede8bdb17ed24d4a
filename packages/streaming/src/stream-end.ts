import { type CallOptions, Fault, quote, type TypedBytes } from '@stowage/core';
import type { Channel } from './channel.ts';
import type { Stream } from './stream.ts';

export interface StreamEndOptions {
  readonly id: string;
  readonly out: Channel;
  readonly in: Channel;
  /** Called when this end is left or aborted, maybe more than once. */
  readonly onGone: () => void;
}

/** An end of a stream between two parties in one process. */
export class StreamEnd implements Stream {
  readonly id: string;
  readonly #out: Channel;
  readonly #in: Channel;
  readonly #onGone: () => void;

  constructor({ id, out, in: incoming, onGone }: StreamEndOptions) {
    this.id = id;
    this.#out = out;
    this.#in = incoming;
    this.#onGone = onGone;
  }

  send(message: TypedBytes, options?: CallOptions): Promise<void> {
    return this.#out.send(message, options);
  }

  receive(options?: CallOptions): Promise<TypedBytes | undefined> {
    return this.#in.receive(options);
  }

  close(options?: CallOptions): Promise<void> {
    return this.#out.close(options);
  }

  abort(reason: Fault): void {
    this.#out.fail(reason);
    this.#in.fail(reason);
    this.#onGone();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = new Fault('canceled', `stream ${quote(this.id)}: the other end has left`);
    if (!this.#out.isClosed) this.#out.fail(left);
    this.#in.fail(left);
    this.#onGone();
  }
}
