import type { Http2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { Code, ConnectError, type Interceptor, type Transport } from '@connectrpc/connect';
import { createTransport } from '@connectrpc/connect/protocol-grpc';
import { Http2SessionManager } from '@connectrpc/connect-node';
import { toConnect } from '../fault.ts';
import { defaultLimits } from '../limits.ts';
import { clientAt } from './lost-connection.ts';

export interface TransportOptions {
  readonly maxMessageBytes?: number | undefined;
  /** Around each call, such as one that adds headers. The first is the outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

/** A transport that holds a connection until it is disposed. It then ends calls that are open with `canceled`. */
export interface ClosableTransport extends Transport, AsyncDisposable {}

export interface Place {
  /** For messages. */
  readonly name: string;
  /** What requests say that they are for. */
  readonly baseUrl: string;
  dial(): Duplex;
  /** Why nobody could be reached. */
  explain(e: unknown): unknown;
}

/** Speaks gRPC over a connection that is made at the first call, and anew at the first call after it was lost. */
export function transportTo(place: Place, options: TransportOptions): ClosableTransport {
  const { name, baseUrl } = place;
  const { maxMessageBytes = defaultLimits.maxMessageBytes, interceptors = [] } = options;
  const manager = new Http2SessionManager(baseUrl, undefined, {
    createConnection: () => place.dial(),
    settings: { initialWindowSize: defaultLimits.streamWindowBytes, enablePush: false },
    maxSessionMemory: defaultLimits.maxSessionMemoryMib,
  });
  const heard = new WeakSet<Http2Session>();
  let closed = false;
  const sessionProvider = () => ({
    authority: manager.authority,
    notifyResponseByteRead: manager.notifyResponseByteRead.bind(manager),
    async request(...args: Parameters<Http2SessionManager['request']>) {
      if (closed) throw new ConnectError(`the transport to ${name} is closed`, Code.Canceled);
      try {
        const stream = await manager.request(...args);
        hear(stream.session, heard);
        return stream;
      } catch (e) {
        throw toConnect(place.explain(e));
      }
    },
  });
  const transport = createTransport({
    baseUrl,
    httpClient: clientAt(name, sessionProvider, () => closed),
    useBinaryFormat: true,
    interceptors: [...interceptors],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
  });
  return {
    unary: transport.unary.bind(transport),
    stream: transport.stream.bind(transport),
    async [Symbol.asyncDispose]() {
      closed = true;
      manager.abort(new ConnectError(`the transport to ${name} was closed`, Code.Canceled));
    },
  };
}

/**
 * A peer that speaks no HTTP/2 makes a session fail more than once, and Connect hears the first time only. The next one
 * would end the process, though all calls have failed by then.
 */
function hear(session: Http2Session | undefined, heard: WeakSet<Http2Session>): void {
  if (session === undefined || heard.has(session)) return;
  heard.add(session);
  session.on('error', () => undefined);
}
