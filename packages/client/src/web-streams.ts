import { Readable, Writable } from 'node:stream';
import type { ReadableStream, WritableStream } from 'node:stream/web';

/** A stream of Node's, or one of the web's as browsers and `fetch` have them. */
export type Source = Readable | ReadableStream<Uint8Array | string>;
export type Sink = Writable | WritableStream<Uint8Array>;

/** Streams of the web for those of Node. */
export interface WebStreams {
  /** Closing it ends the input of the process. */
  readonly stdin: WritableStream<Uint8Array> | undefined;
  readonly stdout: ReadableStream<Uint8Array> | undefined;
  readonly stderr: ReadableStream<Uint8Array> | undefined;
}

/**
 * Reads a stream of the web for as long as it is not destroyed. Then it is unlocked and not canceled: it stays its
 * owner's, as streams of Node do that are given to a process.
 */
export function readableOf(source: Source): Readable {
  if (!('getReader' in source)) return source;
  const reader = source.getReader();
  return new Readable({
    read() {
      reader.read().then(
        ({ done, value }) => this.push(done ? null : value),
        (e: Error) => this.destroy(e),
      );
    },
    destroy(e, done) {
      reader.releaseLock();
      done(e);
    },
  });
}

/** Writes a stream of the web. When it is ended or destroyed that one is unlocked, neither closed nor aborted. */
export function writableOf(sink: Sink): Writable {
  if (!('getWriter' in sink)) return sink;
  const writer = sink.getWriter();
  // Told by the write that it fails, or by the next.
  writer.closed.catch(() => undefined);
  return new Writable({
    decodeStrings: true,
    write(chunk: Uint8Array, _encoding, done) {
      writer.ready
        .then(() => writer.write(chunk))
        .then(
          () => done(),
          (e: Error) => done(e),
        );
    },
    destroy(e, done) {
      writer.releaseLock();
      done(e);
    },
  });
}

/** What `true` among the streams of a process gives, for who has streams of the web. */
export function webStreams(
  stdin: Writable | undefined,
  stdout: Readable | undefined,
  stderr: Readable | undefined,
): WebStreams {
  const bytesOf = (from: Readable | undefined) =>
    from && (Readable.toWeb(from) as ReadableStream<Uint8Array>);
  return {
    stdin: stdin && (Writable.toWeb(stdin) as WritableStream<Uint8Array>),
    stdout: bytesOf(stdout),
    stderr: bytesOf(stderr),
  };
}
