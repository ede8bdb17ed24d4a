import { createServer, type Socket } from 'node:net';
import { Fault, type Logger, silentLogger } from '@stowage/core';
import { defaultLimits, type RpcLimits } from './limits.ts';
import type { Routes } from './routes.ts';
import { Connections } from './server/connections.ts';
import { requestHandler } from './server/handler.ts';
import { listenUnix, type UnixAddress } from './unix-socket.ts';

export type { RpcLimits } from './limits.ts';
export { defaultLimits } from './limits.ts';
export type { UnixAddress } from './unix-socket.ts';

export interface ListenOptions {
  readonly address: UnixAddress;
  readonly routes: readonly Routes[];
  readonly limits?: Partial<RpcLimits> | undefined;
  readonly log?: Logger | undefined;
  /** Tells who is at the other end (SO_PEERCRED). Without it the permissions of the socket file are the only guard. */
  readonly peer?: ((socket: Socket) => { readonly uid: number }) | undefined;
  /** Asked where `peer` is given. Root and the user of this process may, unless given. */
  readonly allow?: ((uid: number) => boolean) | undefined;
}

export interface RpcServer extends AsyncDisposable {
  readonly address: { readonly path: string };
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
  const { log = silentLogger, routes, peer } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const stopping = new AbortController();
  const handler = requestHandler({ routes, limits, log, shutdownSignal: stopping.signal });
  const connections = new Connections({ handler, limits, log });
  const allow = options.allow ?? ((uid: number) => uid === 0 || uid === process.geteuid?.());
  const server = createServer((socket) => {
    const refused = peer === undefined ? undefined : refusal(socket, peer, allow);
    if (refused === undefined) return connections.add(socket);
    log.warn({ ...refused }, 'connection refused: its user may not speak to this socket');
    socket.destroy();
  });
  const listener = await listenUnix(server, options.address);
  server.on('error', (err) => log.error({ err }, 'accepting a connection failed'));

  let closing: Promise<void> | undefined;
  const close: RpcServer['close'] = ({ graceMs = 500 } = {}) => {
    closing ??= (async () => {
      await listener.close();
      stopping.abort(new Fault('unavailable', 'the server is shutting down'));
      await connections.close(graceMs);
    })();
    return closing;
  };
  return { address: { path: listener.path }, close, [Symbol.asyncDispose]: () => close() };
}

function refusal(
  socket: Socket,
  peer: (socket: Socket) => { readonly uid: number },
  allow: (uid: number) => boolean,
): { uid: number } | { err: unknown } | undefined {
  try {
    const { uid } = peer(socket);
    return allow(uid) ? undefined : { uid };
  } catch (err) {
    return { err };
  }
}
