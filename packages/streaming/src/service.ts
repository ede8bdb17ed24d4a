import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { StreamInitSchema, Streaming } from '@stowage/api/streaming/v1';
import { Fault, quote, type Scoped } from '@stowage/core';
import {
  anyOf,
  packMessage,
  type Routes,
  scopeOf,
  serviceRoutes,
  typedBytesOf,
  unpackMessage,
} from '@stowage/rpc';
import { firstOf } from './first-of.ts';
import { failureOf } from './last-words.ts';
import type { Stream } from './stream.ts';
import type { Streams } from './stream-manager.ts';

export interface StreamingOptions {
  /** How long a client may take to say which stream it opens. Default: 30 s. */
  readonly initTimeoutMs?: number | undefined;
}

type Wire = Parameters<typeof typedBytesOf>[0];

/** Serves streams by scope as `containerd.services.streaming.v1.Streaming`. */
export function streamingRoutes(streams: Scoped<Streams>, options: StreamingOptions = {}): Routes {
  const { initTimeoutMs = 30_000 } = options;
  return serviceRoutes(Streaming, {
    async *stream(requests, context) {
      const { signal } = context;
      const messages = requests[Symbol.asyncIterator]();
      const init = typedBytesOf(await firstOf(messages, initTimeoutMs, signal));
      if (init === undefined)
        throw new Fault('invalid_argument', 'stream: the first message must be a StreamInit');
      const { id } = unpackMessage(StreamInitSchema, init);
      await using stream = await streams(scopeOf(context)).open(id, { signal });
      // A generator that is suspended at its `yield` does not hear of a client that goes away.
      const onGone = () => stream.abort(new Fault('canceled', `stream ${quote(id)}: the client went away`));
      signal.addEventListener('abort', onGone, { once: true });
      try {
        void forward(messages, stream);
        yield anyOf(packMessage(EmptySchema, {}));
        for (;;) {
          const message = await stream.receive({ signal });
          if (message === undefined) return;
          yield anyOf(message);
        }
      } finally {
        signal.removeEventListener('abort', onGone);
      }
    },
  });
}

/** Passes on what the client sends; that it ends well only if the client says so. */
async function forward(messages: AsyncIterator<Wire>, stream: Stream): Promise<void> {
  try {
    for (;;) {
      const { value, done } = await messages.next();
      if (done === true) break;
      const message = typedBytesOf(value);
      if (message === undefined) continue;
      const failure = failureOf(message);
      if (failure !== undefined) throw failure;
      await stream.send(message);
    }
    await stream.close();
  } catch (cause) {
    // Of no effect if the stream is what failed: then this is its failure.
    const brokeOff = new Fault('canceled', `stream ${quote(stream.id)}: the client broke off`, { cause });
    stream.abort(Fault.is(cause) ? cause : brokeOff);
  }
}
