import { createServer } from 'node:net';
import { Fault, type Logger, silentLogger } from '@stowage/core';
import type { CallObserver } from './call-observer.ts';
import { compileRoutes } from './dispatch.ts';
import { directCalls } from './grpc/direct-calls.ts';
import { defaultLimits, type RpcLimits } from './limits.ts';
import { OpenCalls } from './open-calls.ts';
import type { Routes } from './routes.ts';
import { Connections } from './server/connections.ts';
import { requestHandler } from './server/handler.ts';
import { type GuardOptions, listenUnix, peerGuard, type UnixAddress } from './unix-socket.ts';

export type { BegunCall, CallObservation, CallObserver } from './call-observer.ts';
export { observers } from './call-observer.ts';
export type { RpcLimits } from './limits.ts';
export { defaultLimits } from './limits.ts';
export type { GuardOptions, UnixAddress } from './unix-socket.ts';

export interface ListenOptions extends GuardOptions {
  readonly address: UnixAddress;
  readonly routes: readonly Routes[];
  readonly limits?: Partial<RpcLimits> | undefined;
  readonly log?: Logger | undefined;
  readonly observer?: CallObserver | undefined;
}

/** How busy a server is at the moment. */
export interface ServerLoad {
  readonly connections: number;
  /** Calls that are not answered yet, streams and long waits included. */
  readonly calls: number;
}

export interface RpcServer extends AsyncDisposable {
  readonly address: { readonly path: string };
  readonly load: ServerLoad;
  /**
   * Stops: takes no more connections, tells every open call through its signal (`unavailable`), waits for them up
   * to `graceMs` (500 unless given), ends what is left and removes the socket file. Safe to call again.
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/**
 * Serves RPC services on a unix socket: gRPC, gRPC-Web and Connect (binary and JSON), over HTTP/2 without TLS and
 * HTTP/1.1, all on the same path.
 *
 * @throws Fault `failed_precondition` if another process answers at the address.
 */
export async function listen(options: ListenOptions): Promise<RpcServer> {
  const { log = silentLogger, routes, observer } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const calls = new OpenCalls();
  const { maxMessageBytes } = limits;
  const dispatch = compileRoutes({ routes, maxMessageBytes, observer });
  const handler = requestHandler({ dispatch, maxMessageBytes, log, calls });
  const takeCall = directCalls({ methods: dispatch.direct, log, calls, observer });
  const connections = new Connections({ handler, takeCall, limits, log });
  const mayPass = peerGuard(options, log);
  const server = createServer((socket) => {
    if (mayPass(socket)) connections.add(socket);
  });
  const listener = await listenUnix(server, options.address);
  server.on('error', (err) => log.error({ err }, 'accepting a connection failed'));

  let closing: Promise<void> | undefined;
  const close: RpcServer['close'] = ({ graceMs = 500 } = {}) => {
    closing ??= (async () => {
      await listener.close();
      calls.abort(new Fault('unavailable', 'the server is shutting down'));
      await connections.close(graceMs);
    })();
    return closing;
  };
  return {
    address: { path: listener.path },
    get load() {
      return { connections: connections.size, calls: calls.size };
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
