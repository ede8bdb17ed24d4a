import type { Http2Session } from 'node:http2';
import type { UniversalClientFn } from '@connectrpc/connect/protocol';
import { createNodeHttpClient, type NodeHttpClientOptions } from '@connectrpc/connect-node';
import { Fault } from '@stowage/core';
import { toConnect } from '../fault.ts';

type SessionProvider = NonNullable<Extract<NodeHttpClientOptions, { httpVersion: '2' }>['sessionProvider']>;

/**
 * An HTTP client whose calls, if their connection goes while they are under way, fail with `unavailable` and name the
 * path. What Connect makes of it, `canceled` or `aborted`, reads as if somebody had given the call up.
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
    let session: Http2Session | undefined;
    const http = createNodeHttpClient({
      httpVersion: '2',
      sessionProvider(authority) {
        const manager = sessions(authority);
        return {
          ...manager,
          async request(...args) {
            const stream = await manager.request(...args);
            session = stream.session;
            return stream;
          },
        };
      },
    });
    const isLost = () => session?.destroyed === true && !isClosed() && request.signal?.aborted !== true;
    const told = (e: unknown) => (isLost() ? toConnect(lostFault(path, e)) : e);
    const response = await http(request).catch((e: unknown) => {
      throw told(e);
    });
    return { ...response, body: telling(response.body, told) };
  };
}

/** Passes bytes on, and failures through `told`. */
function telling<T>(source: AsyncIterable<T>, told: (e: unknown) => unknown): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = source[Symbol.asyncIterator]();
      return {
        ...inner,
        next: () =>
          inner.next().catch((e: unknown) => {
            throw told(e);
          }),
      };
    },
  };
}

function lostFault(path: string, cause: unknown): Fault {
  return new Fault('unavailable', `call to ${path}: the connection was lost before the answer was whole`, {
    cause,
  });
}
