import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import { contentTypeProto, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { goneError, nodeHeaders } from '../server/messages.ts';
import type { DirectContext } from './direct-context.ts';

const SUCCESS: OutgoingHttpHeaders = { 'grpc-status': '0' };

/** The answer to a gRPC call: headers, messages, and trailers that tell how it ended. */
export class Reply {
  readonly #stream: ServerHttp2Stream;
  readonly #context: DirectContext;
  readonly #encoding: string | undefined;
  #trailers: OutgoingHttpHeaders = SUCCESS;
  #code: Code | undefined;

  /** @param encoding - A compression to name in the headers, though nothing is ever compressed. */
  constructor(stream: ServerHttp2Stream, context: DirectContext, encoding: string | undefined) {
    this.#stream = stream;
    this.#context = context;
    this.#encoding = encoding;
  }

  /** What it ended with. Undefined: it went well. */
  get code(): Code | undefined {
    return this.#code;
  }

  /** Sends the headers, if they are not sent yet. @throws an error of {@link goneError} if the client has gone. */
  begin(): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) throw goneError();
    if (stream.headersSent) return;
    const { header } = this.#context.touched;
    const headers = header === undefined ? { 'content-type': contentTypeProto } : nodeHeaders(header);
    if (this.#encoding !== undefined) headers['grpc-encoding'] = this.#encoding;
    headers[':status'] = 200;
    stream.once('wantTrailers', () => stream.sendTrailers(this.#trailers));
    stream.respond(headers, { waitForTrailers: true });
  }

  /** Sends the headers, if they are not sent yet and somebody is there. */
  flush(): void {
    if (!this.#stream.destroyed && !this.#stream.closed) this.begin();
  }

  /** Sends a message, and waits until there is room for more. Rejects once nobody will read it. */
  async write(parts: readonly Uint8Array[]): Promise<void> {
    this.begin();
    const stream = this.#stream;
    if (this.#put(parts)) return;
    await new Promise<void>((settle, fail) => {
      const done = () => {
        stream.off('drain', done);
        stream.off('close', done);
        if (stream.destroyed) fail(goneError());
        else settle();
      };
      stream.on('drain', done);
      stream.on('close', done);
    });
  }

  /** Ends the answer, with a last message if there is one, and with what went wrong if something did. */
  end(parts: readonly Uint8Array[], error?: unknown): void {
    this.begin();
    const { trailer } = this.#context.touched;
    if (error !== undefined) {
      const status = statusOf(error);
      this.#code = status.code;
      this.#trailers = nodeHeaders(setTrailerStatus(new Headers(trailer), status));
    } else if (trailer !== undefined) this.#trailers = nodeHeaders(trailer);
    this.#stream.cork();
    this.#put(parts);
    this.#stream.end();
  }

  /** @returns whether there is room for more. */
  #put(parts: readonly Uint8Array[]): boolean {
    const stream = this.#stream;
    if (parts.length > 1) stream.cork();
    let room = true;
    for (const part of parts) room = stream.write(part);
    if (parts.length > 1) stream.uncork();
    return room;
  }
}

/** What is no status is a bug, and the client is told no more than that. */
function statusOf(error: unknown): ConnectError {
  return error instanceof ConnectError
    ? error
    : new ConnectError('internal error', Code.Internal, undefined, undefined, error);
}
