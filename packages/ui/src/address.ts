import { isIP } from 'node:net';
import { Fault, quote } from '@stowage/core';

/** Where the page is served. */
export interface ListenAddress {
  /** An IP address, or `localhost`. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/**
 * Reads `127.0.0.1:8080`, `[::1]:8080`, or a port alone, which is one of the loopback.
 *
 * @throws Fault `invalid_argument`
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, v6, name, digits = ''] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name ?? '127.0.0.1';
  const port = Number(digits);
  const isHost = v6 === undefined ? host === 'localhost' || isIP(host) === 4 : isIP(v6) === 6;
  if (digits === '' || port > 65_535 || !isHost) {
    const wanted = 'expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080';
    throw new Fault('invalid_argument', `address ${quote(text)}: ${wanted}`);
  }
  return { host, port };
}

/** Whether nobody on another machine reaches it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** As it stands in a URL. */
export function authority({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
