import type { Any } from '@bufbuild/protobuf/wkt';
import { abortable, type CallOptions, Fault, quote, type TypedBytes } from '@stowage/core';
import { anyOf, typedBytesOf } from '@stowage/rpc';
import { Channel } from './channel.ts';
import { lastWords } from './last-words.ts';
import type { Stream } from './stream.ts';

/** How long the last words may wait for those before them. */
const LAST_WORDS_MS = 1000;

/** Begins the call that a stream is on the wire. */
export type BeginCall = (messages: AsyncIterable<Any>, kill: AbortSignal) => AsyncIterable<Any>;

/** The client's end of a stream at a daemon. */
export class RemoteStream implements Stream {
  readonly id: string;
  readonly #out = new Channel();
  readonly #kill = new AbortController();
  readonly #incoming: AsyncIterator<Any>;
  #failure: Fault | undefined;
  #isOver = false;
  /** What was asked of the wire and not given to anybody, because whoever asked gave up. */
  #asked: Promise<IteratorResult<Any>> | undefined;

  constructor(id: string, begin: BeginCall) {
    this.id = id;
    this.#incoming = begin(this.#outgoing(), this.#kill.signal)[Symbol.asyncIterator]();
    // Begins the call, which else would wait for the first `receive`.
    void this.#ask();
  }

  send(message: TypedBytes, options?: CallOptions): Promise<void> {
    return this.#out.send(message, options);
  }

  async receive({ signal }: CallOptions = {}): Promise<TypedBytes | undefined> {
    signal?.throwIfAborted();
    if (this.#isOver) return this.#end();
    try {
      const { value, done } = await abortable(this.#ask(), signal);
      this.#asked = undefined;
      if (done !== true) return typedBytesOf(value);
      this.#over(new Fault('unavailable', `stream ${quote(this.id)}: the daemon has ended it`));
    } catch (e) {
      signal?.throwIfAborted();
      this.#asked = undefined;
      this.#failure ??= asFault(e, this.id);
      this.#over(this.#failure);
    }
    return this.#end();
  }

  async close(options?: CallOptions): Promise<void> {
    await this.#out.close(options);
  }

  abort(reason: Fault): void {
    void this.#leave(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leave(new Fault('canceled', `stream ${quote(this.id)}: the other end has left`));
  }

  async #leave(reason: Fault): Promise<void> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#failure ??= reason;
      if (!this.#out.isClosed) {
        this.#out.closeWith(lastWords(reason));
        try {
          await this.#out.close({ signal: AbortSignal.timeout(LAST_WORDS_MS) });
          // The transport has them, and writes them in this turn.
          await new Promise((resolve) => setImmediate(resolve));
        } catch {
          // A connection that takes nothing any more: the end of the call says it too.
        }
      }
    }
    this.#kill.abort();
  }

  #end(): undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  #over(reason: Fault): void {
    this.#isOver = true;
    this.#out.fail(reason);
  }

  #ask(): Promise<IteratorResult<Any>> {
    if (this.#asked === undefined) {
      this.#asked = this.#incoming.next();
      // Told by `receive`, if somebody calls it.
      this.#asked.catch(() => undefined);
    }
    return this.#asked;
  }

  async *#outgoing(): AsyncGenerator<Any> {
    for (;;) {
      const message = await this.#out.receive();
      if (message === undefined) return;
      yield anyOf(message);
    }
  }
}

function asFault(e: unknown, id: string): Fault {
  if (Fault.is(e)) return e;
  return new Fault('unavailable', `stream ${quote(id)}: it broke off`, { cause: e });
}
