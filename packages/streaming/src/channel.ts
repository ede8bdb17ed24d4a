import { abortable, type CallOptions, Fault, type TypedBytes } from '@stowage/core';

/** How far a reader may be behind: so many messages, and so many bytes of them, unless one alone has more. */
const MAX_MESSAGES = 16;
const MAX_BYTES = 256 * 1024;

/** One way of a stream: a queue of messages with room for a few. */
export class Channel {
  readonly #queue: TypedBytes[] = [];
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  #closed = false;
  #failure: Fault | undefined;

  get isClosed(): boolean {
    return this.#closed;
  }

  /** @throws what it failed with; Fault `failed_precondition` after {@link close}. */
  async send(message: TypedBytes, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed) throw new Fault('failed_precondition', 'send: the stream is closed');
      const size = message.value.byteLength;
      const hasRoom = this.#queue.length < MAX_MESSAGES && this.#bytes + size <= MAX_BYTES;
      if (hasRoom || this.#queue.length === 0) break;
      await this.#change(signal);
    }
    this.#queue.push(message);
    this.#bytes += message.value.byteLength;
    this.#changed();
  }

  /** @returns undefined at the end. @throws what it failed with, as soon as it has. */
  async receive({ signal }: CallOptions = {}): Promise<TypedBytes | undefined> {
    signal?.throwIfAborted();
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const message = this.#queue.shift();
      if (message !== undefined) {
        this.#bytes -= message.value.byteLength;
        this.#changed();
        return message;
      }
      if (this.#closed) return undefined;
      await this.#change(signal);
    }
  }

  /** @returns once all was read, or never will be. */
  async close({ signal }: CallOptions = {}): Promise<void> {
    this.#closed = true;
    this.#changed();
    while (this.#queue.length > 0) await this.#change(signal);
  }

  /** Ends it for both sides. Only the first reason counts, and none where all was read. */
  fail(reason: Fault): void {
    if (this.#failure !== undefined || (this.#closed && this.#queue.length === 0)) return;
    this.#failure = reason;
    this.#queue.length = 0;
    this.#bytes = 0;
    this.#changed();
  }

  /** Closes it with a message in place of all that was not read yet. */
  closeWith(last: TypedBytes): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#queue.splice(0, this.#queue.length, last);
    this.#bytes = last.value.byteLength;
    this.#closed = true;
    this.#changed();
  }

  async #change(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await abortable(promise, signal);
    } finally {
      this.#waiting.delete(resolve);
    }
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
