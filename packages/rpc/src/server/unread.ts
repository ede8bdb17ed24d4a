import { constants, type ServerHttp2Stream } from 'node:http2';
import type { NodeRequest } from './messages.ts';

const PATIENCE_MS = 100;

/**
 * Waits for the end of a request that nobody wants to read, for a moment: some clients (curl 7.88 over HTTP/2) take
 * an answer that comes while they send for a failure. Others send nothing more before they are answered.
 */
export function readOut(req: NodeRequest): Promise<void> {
  return new Promise((settle) => {
    const timer = setTimeout(settle, PATIENCE_MS);
    const done = () => {
      clearTimeout(timer);
      settle();
    };
    req.once('end', done);
    req.once('close', done);
    req.resume();
  });
}

/**
 * Tells the client of an answered HTTP/2 call to stop sending (RFC 9113, 8.1), after the trailers have left. Node
 * does so only if none of the request was read. HTTP/1 needs nothing.
 */
export function stopSending(req: NodeRequest, hasTrailers: boolean): void {
  if (!('stream' in req) || req.readableEnded) return;
  stopStream(req.stream, hasTrailers);
}

/** As {@link stopSending}, unless the client has sent all that it wanted to. */
export function stopStream(stream: ServerHttp2Stream, hasTrailers: boolean): void {
  if (stream.readableEnded || stream.closed) return;
  const close = () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  if (hasTrailers && stream.sentTrailers === undefined) stream.once('wantTrailers', close);
  else close();
}
