import { readFile } from 'node:fs/promises';
import { Fault, reasonOf } from '@stowage/core';
import { type ListenTlsOptions, listenTls, type TlsServer } from '@stowage/rpc/tls';
import type { TcpConfig } from './config/tcp.ts';

/** Serves over TCP as the config says. @throws Fault `failed_precondition` for files that can't be read, naming them. */
export async function listenTcp(
  { host, port, cert, key, ca, commonName, origins, hosts }: TcpConfig,
  served: Pick<ListenTlsOptions, 'routes' | 'log' | 'observer' | 'ruleFor'>,
): Promise<TlsServer> {
  const [certificate, secret, authority] = await Promise.all([cert, key, ca].map(read));
  if (certificate === undefined || secret === undefined || authority === undefined)
    throw new Fault('internal', 'TLS: a file was not read');
  const tls = { cert: certificate, key: secret, ca: authority, commonName };
  return listenTls({ ...served, host, port, tls, web: { origins, hosts } });
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (e) {
    throw new Fault('failed_precondition', `TLS: ${reasonOf(e)}`, { cause: e });
  }
}
