import { createServer, type Socket } from 'node:net';
import { silentLogger } from '@stowage/core';
import type { CallServerOptions, ServerLoad } from './server/call-server.ts';
import { type PeerRule, ServersByPeer } from './server/servers-by-peer.ts';
import { type GuardOptions, listenUnix, peerGuard, type UnixAddress } from './unix-socket.ts';

export type { Admit } from './admission.ts';
export type { BegunCall, CallObservation, CallObserver } from './call-observer.ts';
export { observers } from './call-observer.ts';
export type { RpcLimits } from './limits.ts';
export { defaultLimits } from './limits.ts';
export type { ServerLoad } from './server/call-server.ts';
export type { PeerRule } from './server/servers-by-peer.ts';
export type { GuardOptions, UnixAddress } from './unix-socket.ts';

export interface ListenOptions extends CallServerOptions, GuardOptions {
  readonly address: UnixAddress;
  /** Bounds what somebody may call, by who is at the other end. Undefined: all. */
  readonly ruleFor?: ((socket: Socket) => PeerRule | undefined) | undefined;
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
  const { log = silentLogger, ruleFor } = options;
  const calls = new ServersByPeer(options);
  const mayPass = peerGuard(options, log);
  // Also finds out now, and not at the first connection, whether the routes fit together.
  calls.of(undefined);
  const server = createServer((socket) => {
    if (!mayPass(socket)) return;
    try {
      calls.of(ruleFor?.(socket)).connections.add(socket);
    } catch (err) {
      log.warn({ err }, 'connection refused: cannot tell who it is from');
      socket.on('error', () => {});
      socket.destroy();
    }
  });
  const listener = await listenUnix(server, options.address);
  server.on('error', (err) => log.error({ err }, 'accepting a connection failed'));
  const close: RpcServer['close'] = ({ graceMs } = {}) => calls.close(() => listener.close(), graceMs);
  return {
    address: { path: listener.path },
    get load() {
      return calls.load;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
