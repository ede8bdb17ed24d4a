import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { DirectContext } from './direct-context.ts';
import type { Encode } from './envelope.ts';
import type { Reply } from './reply.ts';

type Message = MessageShape<DescMessage>;

export interface SendOptions {
  readonly reply: Reply;
  readonly context: DirectContext;
  /** Begins the method. */
  readonly messages: () => AsyncIterator<unknown>;
  /** Makes what it yields a whole message. */
  readonly whole: (message: unknown) => Message;
  readonly encode: Encode;
  /** Makes what the method threw what the client is told. */
  readonly toError: (e: unknown) => unknown;
}

/** What a method did last: it yielded, or it is over, with an error or without. */
type Step =
  | { readonly over: false; readonly message: Message }
  | { readonly over: true; readonly error?: unknown };

/**
 * Sends what a method yields, and how it ended. The headers leave when it has run up to its first wait; the last
 * message takes the end of the stream along if the method is known to be over by then, because a client that reads
 * by ranges resets streams whose end has not come with what it wants.
 *
 * A call that is given up returns the method's iterator at once: suspended at a `yield`, it would hold what it holds
 * for good.
 *
 * Rejects if the client goes; the iterator is returned in any case.
 */
export async function sendAll(options: SendOptions): Promise<void> {
  const { reply, context, encode } = options;
  const steps = new Steps(options);
  const early = setImmediate(() => reply.flush());
  context.onGivenUp = () => steps.leave();
  try {
    let step = await steps.next();
    clearImmediate(early);
    while (!step.over) {
      const parts = encode(step.message);
      const next = steps.next();
      const ready = await withinThisTurn(next);
      if (ready?.over === true) return reply.end(parts, ready.error);
      await reply.write(parts);
      step = await next;
    }
    reply.end([], step.error);
  } finally {
    clearImmediate(early);
    steps.leave();
  }
}

class Steps {
  readonly #options: SendOptions;
  #iterator: AsyncIterator<unknown> | undefined;
  #over = false;
  #left = false;

  constructor(options: SendOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async next(): Promise<Step> {
    try {
      this.#iterator ??= this.#options.messages();
      const { done, value } = await this.#iterator.next();
      if (done !== true) return { over: false, message: this.#options.whole(value) };
      this.#over = true;
      // Made to end is not done: a client must not take what it has for the whole.
      if (this.#left) throw this.#options.context.signal.reason;
      return { over: true };
    } catch (e) {
      this.#over = true;
      return { over: true, error: this.#options.toError(e) };
    }
  }

  /** Has the method end, if it has not. Not awaited: where the client has gone, the method may yet be busy. */
  leave(): void {
    if (this.#over || this.#left) return;
    this.#left = true;
    this.#iterator?.return?.().catch(() => {});
  }
}

/** What a promise that never rejects is settled with in this turn of the event loop, or undefined. */
async function withinThisTurn<T>(promise: Promise<T>): Promise<T | undefined> {
  const turn = Promise.withResolvers<T | undefined>();
  const later = setImmediate(turn.resolve, undefined);
  void promise.then(turn.resolve);
  const settled = await turn.promise;
  clearImmediate(later);
  return settled;
}
