import { connect } from 'node:tls';
import { Fault, reasonOf } from '@stowage/core';
import { type ClosableTransport, type TransportOptions, transportTo } from './dial.ts';

export interface TlsTransportOptions extends TransportOptions {
  readonly host: string;
  readonly port: number;
  /** Who signs the certificate of the server, PEM. */
  readonly ca: string | Buffer;
  /** Of this client, PEM. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** A name that the server's certificate has, where it is reached by another one. */
  readonly serverName?: string | undefined;
}

/** Speaks gRPC over TLS, as `unixTransport` does to a socket. Fails with `unavailable` if either side's certificate is refused. */
export function tlsTransport(options: TlsTransportOptions): ClosableTransport {
  const { host, port, ca, cert, key, serverName = host } = options;
  const name = `${host}:${port}`;
  const place = {
    ...{ name, baseUrl: `https://${name}` },
    dial: () => connect({ host, port, ca, cert, key, servername: serverName, ALPNProtocols: ['h2'] }),
    explain: (e: unknown) => new Fault('unavailable', `connect to ${name}: ${reasonOf(e)}`, { cause: e }),
  };
  return transportTo(place, options);
}
