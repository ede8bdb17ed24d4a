import { createServer, type Socket } from 'node:net';
import { Fault, type Logger, silentLogger } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import { compileRoutes } from '@stowage/rpc/dispatch';
import { type GuardOptions, listenUnix, peerGuard, type UnixAddress } from '@stowage/rpc/unix-socket';
import { methodFinder } from './call.ts';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { ServerConnection } from './server-connection.ts';

export interface ServeTtrpcOptions extends UnixAddress, GuardOptions {
  readonly routes: readonly Routes[];
  readonly log?: Logger | undefined;
}

export interface TtrpcServer extends AsyncDisposable {
  readonly address: { readonly path: string };
  /** How many clients are connected. */
  readonly connections: number;
  /**
   * Stops: takes no more connections, tells every open call through its signal (`unavailable`), waits for them up
   * to `graceMs` (500 unless given), ends what is left and removes the socket file. Safe to call again.
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/**
 * Serves RPC services over ttrpc on a unix socket; the same routes as gRPC's.
 *
 * A client that goes, or closes its sending side, ends its calls: their signals fire. A method that leaves much of
 * what it is sent unread holds up its connection, and all other calls on it.
 *
 * @throws Fault `failed_precondition` if another process answers at the address.
 */
export async function serveTtrpc(options: ServeTtrpcOptions): Promise<TtrpcServer> {
  const { log = silentLogger, routes } = options;
  const find = methodFinder(compileRoutes({ routes, maxMessageBytes: MAX_MESSAGE_BYTES }), log);
  const mayPass = peerGuard(options, log);
  const connections = new Set<ServerConnection>();
  const accept = (socket: Socket) => {
    if (!mayPass(socket)) return;
    const connection = new ServerConnection(socket, find, log);
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  };
  const server = createServer(accept);
  const listener = await listenUnix(server, options);
  server.on('error', (err) => log.error({ err }, 'accepting a connection failed'));

  let closing: Promise<void> | undefined;
  const close: TtrpcServer['close'] = ({ graceMs = 500 } = {}) => {
    closing ??= (async () => {
      await listener.close();
      const reason = new Fault('unavailable', 'the server is shutting down');
      const closed = Promise.all([...connections].map((it) => it.shutdown(reason)));
      const timer = setTimeout(() => {
        for (const connection of connections) connection.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
    })();
    return closing;
  };
  return {
    address: { path: listener.path },
    get connections() {
      return connections.size;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
