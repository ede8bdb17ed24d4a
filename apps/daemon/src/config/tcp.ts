import type { TableReader } from './reader.ts';

/** Where the daemon serves over TCP, and to whom. */
export interface TcpConfig {
  readonly host: string;
  readonly port: number;
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** The only common name that a client's certificate may have. */
  readonly commonName?: string | undefined;
  /** Web pages that may call, by their origins. */
  readonly origins: readonly string[];
  /** Names, beside the address, by which clients may call it. */
  readonly hosts: readonly string[];
}

/** Takes containerd's keys, and ours for web pages, out of `[grpc]`. Undefined where no address is given. */
export function tcpConfig(grpc: TableReader): TcpConfig | undefined {
  const address = grpc.string('tcp_address');
  const [cert, key, ca] = ['cert', 'key', 'ca'].map((name) => grpc.absolute(`tcp_tls_${name}`));
  const commonName = grpc.string('tcp_tls_common_name') || undefined;
  const origins = grpc.strings('tcp_origins') ?? [];
  const hosts = grpc.strings('tcp_hosts') ?? [];
  if (!address) return undefined;
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || host === '' || Number(port) > 65_535) {
    grpc.refuse('tcp_address', `expected <host>:<port>, got ${JSON.stringify(address)}`);
    return undefined;
  }
  for (const origin of origins) {
    if (!/^https?:\/\/[^/\s]+$/.test(origin))
      grpc.refuse(
        'tcp_origins',
        `expected origins such as "https://ops.example:8443", got ${JSON.stringify(origin)}`,
      );
  }
  if (cert === undefined || key === undefined || ca === undefined) {
    const why = 'needs tcp_tls_cert, tcp_tls_key and tcp_tls_ca: who may call is known by certificates alone';
    grpc.refuse('tcp_address', why);
    return undefined;
  }
  return { host, port: Number(port), cert, key, ca, commonName, origins, hosts };
}
