import type { ReadGate } from './read-gate.ts';

/** Messages of one stream that may wait before its connection is read no more. */
export const MAX_INBOX_BYTES = 1024 * 1024;
/** What a message costs beside its bytes, lest empty ones be free. */
const MESSAGE_OVERHEAD_BYTES = 128;

/** The messages of a stream that have come, for one reader. */
export class Inbox implements AsyncIterable<Uint8Array> {
  readonly #gate: ReadGate;
  #messages: Uint8Array[] = [];
  #bytes = 0;
  #end: { readonly error?: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(gate: ReadGate) {
    this.#gate = gate;
  }

  /** What it is told after its end it does not take. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  push(message: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#messages.push(message);
    this.#count(message.length + MESSAGE_OVERHEAD_BYTES);
    this.#changed.resolve();
  }

  /** The reader finds what has come, and then the end, or the error. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#changed.resolve();
  }

  /** The reader finds the error at once; what has come is dropped. */
  fail(error: unknown): void {
    this.#drop();
    this.#end = { error };
    this.#changed.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const message = this.#messages.shift();
        if (message !== undefined) {
          this.#count(-message.length - MESSAGE_OVERHEAD_BYTES);
          yield message;
        } else if (this.#end === undefined) {
          await this.#changed.promise;
          this.#changed = Promise.withResolvers();
        } else if ('error' in this.#end) {
          throw this.#end.error;
        } else {
          return;
        }
      }
    } finally {
      this.#drop();
      this.#end ??= {};
    }
  }

  #drop(): void {
    this.#messages = [];
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#gate.hold(bytes);
    if (this.#bytes > MAX_INBOX_BYTES) this.#gate.stop(this);
    else this.#gate.go(this);
  }
}
