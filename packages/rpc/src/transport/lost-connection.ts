import { constants, type Http2Session, type Http2Stream } from 'node:http2';
import type { UniversalClientFn } from '@connectrpc/connect/protocol';
import { createNodeHttpClient, type NodeHttpClientOptions } from '@connectrpc/connect-node';
import { Fault } from '@stowage/core';
import { toConnect } from '../fault.ts';

type SessionProvider = NonNullable<Extract<NodeHttpClientOptions, { httpVersion: '2' }>['sessionProvider']>;

/** Ends every answer of gRPC's, in trailers or, where there is nothing else, in the headers. */
const STATUS = 'grpc-status';

/**
 * An HTTP client whose calls, if their connection goes while they are under way, fail with `unavailable` and name the
 * path. What Connect makes of it, `canceled` or `aborted`, reads as if somebody had given the call up, or is nothing at all.
 *
 * @param isClosed - Whether we ended the connections ourselves.
 * @see gRPC's codes: the transport's failures are UNAVAILABLE
 */
export function clientAt(
  path: string,
  sessions: SessionProvider,
  isClosed: () => boolean,
): UniversalClientFn {
  return async (request) => {
    let stream: Http2Stream | undefined;
    let session: Http2Session | undefined;
    const unanswered = Promise.withResolvers<never>();
    unanswered.promise.catch(() => undefined);
    const http = createNodeHttpClient({
      httpVersion: '2',
      sessionProvider(authority) {
        const manager = sessions(authority);
        return {
          ...manager,
          async request(...args) {
            const begun = await manager.request(...args);
            stream = begun;
            // A stream that has ended has none.
            session = begun.session;
            // Connect waits for ever for a stream that ends without an error and without an answer.
            const ended = () => unanswered.reject(unavailable(path, 'it ended without an answer'));
            begun.once('close', ended);
            begun.once('response', () => begun.off('close', ended));
            return begun;
          },
        };
      },
    });
    const told = (e: unknown) => {
      if (isClosed() || request.signal?.aborted === true) return e;
      if (stream?.rstCode === constants.NGHTTP2_REFUSED_STREAM)
        return unavailable(path, 'its server takes no more calls on this connection; try again', e);
      if (session?.destroyed === true)
        return unavailable(
          path,
          'the connection was lost before the answer was whole; what was asked may have been done',
          e,
        );
      return e;
    };
    const response = await Promise.race([http(request), unanswered.promise]).catch((e: unknown) => {
      throw told(e);
    });
    const isWhole = () => response.trailer.has(STATUS) || response.header.has(STATUS);
    return { ...response, body: telling(response.body, told, isWhole) };
  };
}

/** Passes bytes on, and failures through `told`; an end that comes before the whole is one. */
function telling<T>(
  source: AsyncIterable<T>,
  told: (e: unknown) => unknown,
  isWhole: () => boolean,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = source[Symbol.asyncIterator]();
      return {
        ...inner,
        async next() {
          const result = await inner.next().catch((e: unknown) => {
            throw told(e);
          });
          const fault = result.done === true && !isWhole() ? told(undefined) : undefined;
          if (fault !== undefined) throw fault;
          return result;
        },
      };
    },
  };
}

function unavailable(path: string, why: string, cause?: unknown): unknown {
  return toConnect(new Fault('unavailable', `call to ${path}: ${why}`, { cause }));
}
