import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { Fault, reasonOf, silentLogger } from '@stowage/core';
import type { CallServerOptions, ServerLoad } from './server/call-server.ts';
import { type PeerRule, ServersByPeer } from './server/servers-by-peer.ts';
import type { WebGate } from './server/web-gate.ts';

export type { WebGate } from './server/web-gate.ts';

export interface TlsOptions {
  /** Of the server, PEM; the certificate with those that it is signed by. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Who signs the certificates of clients, PEM. A client without one is refused. */
  readonly ca: string | Buffer;
  /** The only common name that a client's certificate may have. Default: any. */
  readonly commonName?: string | undefined;
}

export interface ListenTlsOptions extends CallServerOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly tls: TlsOptions;
  /** Which web pages may call. Default: none; and the server is called by `host`. */
  readonly web?: Partial<WebGate> | undefined;
  /** Bounds what a client may call, by the common name of its certificate. Undefined: all. */
  readonly ruleFor?: ((commonName: string) => PeerRule | undefined) | undefined;
}

export interface TlsServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly load: ServerLoad;
  /** Stops, as that of a unix socket does. */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/** How long a client may take to say who it is. */
const HANDSHAKE_MS = 10_000;

/**
 * Serves RPC services over TCP, to clients with a certificate: gRPC, gRPC-Web and Connect, over HTTP/2 and HTTP/1.1.
 *
 * @throws Fault `invalid_argument` for certificates or a key that can't be read; `failed_precondition` if the port is taken;
 *   `unavailable` if it can't listen otherwise.
 */
export async function listenTls(options: ListenTlsOptions): Promise<TlsServer> {
  const { host, port, tls, web = {}, log = silentLogger } = options;
  const gate = { origins: web.origins ?? [], hosts: [host, ...(web.hosts ?? [])] };
  const calls = new ServersByPeer(options, gate);
  calls.of(undefined);
  const server = secureServer(tls);
  server.on('secureConnection', (socket) => {
    const name = commonNameOf(socket);
    if (tls.commonName !== undefined && name !== tls.commonName) {
      log.warn(
        { name, from: socket.remoteAddress },
        'connection refused: the certificate is somebody else’s',
      );
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    calls.of(options.ruleFor?.(name)).connections.add(socket, socket.alpnProtocol === 'h2' ? 2 : 1);
  });
  server.on('tlsClientError', (err, socket) => {
    log.warn({ reason: reasonOf(err), from: socket.remoteAddress }, 'connection refused');
    socket.destroy();
  });
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (e) {
    const isTaken = (e as { code?: unknown }).code === 'EADDRINUSE';
    const kind = isTaken ? 'failed_precondition' : 'unavailable';
    throw new Fault(kind, `listen on ${host}:${port}: ${reasonOf(e)}`, { cause: e });
  }
  server.on('error', (err) => log.error({ err }, 'accepting a connection failed'));
  const stop = async () => void server.close();
  const close: TlsServer['close'] = ({ graceMs } = {}) => calls.close(stop, graceMs);
  return {
    host,
    port: (server.address() as AddressInfo).port,
    get load() {
      return calls.load;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

function secureServer({ cert, key, ca }: TlsOptions) {
  try {
    return createServer({
      ...{ cert, key, ca },
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: HANDSHAKE_MS,
    });
  } catch (e) {
    throw new Fault('invalid_argument', `TLS: ${reasonOf(e)}`, { cause: e });
  }
}

function commonNameOf(socket: TLSSocket): string {
  const { CN: name = '' } = socket.getPeerCertificate().subject ?? {};
  return String(name);
}
