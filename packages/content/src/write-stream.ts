import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type WriteContentRequest,
  WriteContentRequestSchema,
  type WriteContentResponse,
} from '@stowage/api/content/v1';
import { abortable, Fault } from '@stowage/core';

/** Opens a Write stream. */
export type OpenWrite = (
  requests: AsyncIterable<WriteContentRequest>,
  signal: AbortSignal,
) => AsyncIterable<WriteContentResponse>;

/** How long a server may take to end a stream that we have ended. */
const END_TIMEOUT_MS = 5000;

/** A Write stream, used as calls: a request, then its response. */
export class WriteStream {
  readonly #kill = new AbortController();
  readonly #responses: AsyncIterator<WriteContentResponse>;
  /** What the transport has not taken yet: one request at most, and undefined to end the stream. */
  readonly #outbox: Array<WriteContentRequest | undefined> = [];
  #wake: () => void = () => {};
  #over = false;

  constructor(open: OpenWrite) {
    this.#responses = open(this.#requests(), this.#kill.signal)[Symbol.asyncIterator]();
  }

  /**
   * Must not be called again before it settles. A failure or an abort ends the stream, since it can't be told any more
   * which response belongs to which request.
   */
  async call(
    request: MessageInitShape<typeof WriteContentRequestSchema>,
    signal: AbortSignal | undefined,
  ): Promise<WriteContentResponse> {
    signal?.throwIfAborted();
    if (this.#over) throw new Fault('failed_precondition', 'write: this writer is closed, open another');
    this.#put(create(WriteContentRequestSchema, request));
    try {
      const { value, done } = await abortable(this.#responses.next(), signal);
      if (done !== true) return value;
      throw new Fault('unavailable', 'write: the server ended the stream without an answer');
    } catch (e) {
      this.kill();
      throw e;
    }
  }

  /** Ends the stream and waits until the server has ended it too: then the ref is free. */
  async end(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#put(undefined);
    const timer = setTimeout(() => this.kill(), END_TIMEOUT_MS);
    try {
      // containerd repeats its last response here.
      while ((await this.#responses.next()).done !== true);
    } catch {
      // A stream that ends badly after all its calls were answered has nothing more to tell.
    } finally {
      clearTimeout(timer);
    }
  }

  kill(): void {
    this.#over = true;
    this.#put(undefined);
    this.#kill.abort();
  }

  #put(request: WriteContentRequest | undefined): void {
    this.#outbox.push(request);
    this.#wake();
  }

  async *#requests(): AsyncGenerator<WriteContentRequest> {
    for (;;) {
      if (this.#outbox.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const request = this.#outbox.shift();
      if (request === undefined) return;
      yield request;
    }
  }
}
