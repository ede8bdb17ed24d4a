import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { Fault, quote } from '@stowage/core';

export type MetricsAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const EXPECTED = 'expected host:port, as 127.0.0.1:1338, or the absolute path of a unix socket';

/**
 * Reads `127.0.0.1:1338`, `[::1]:1338`, `localhost:1338`, `/run/x.sock` or `unix:///run/x.sock`. Port 0 is any that is free.
 *
 * @throws Fault `invalid_argument` for anything else, and for a host that is not this machine's own, unless
 *   `allowRemote`: the figures name all containers, and whoever can connect can read them.
 */
export function parseMetricsAddress(text: string, allowRemote = false): MetricsAddress {
  const path = text.replace(/^unix:\/\//, '');
  if (isAbsolute(path)) return { path };
  const [, v6, name, digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name ?? '';
  const port = Number(digits);
  const isHost = v6 === undefined ? isIP(host) === 4 || host === 'localhost' : isIP(host) === 6;
  const isAnywhere = host === '' && v6 === undefined;
  if (digits === '' || port > 65_535 || !(isHost || isAnywhere)) {
    throw new Fault('invalid_argument', `"address": ${quote(text)}: ${EXPECTED}`);
  }
  if (!allowRemote && !isLoopback(host)) {
    const who = isAnywhere ? 'all addresses of this machine' : host;
    throw new Fault(
      'invalid_argument',
      `"address": ${quote(text)}: ${who} can be reached from other machines; set allow_remote = true if that is meant`,
    );
  }
  return { host: isAnywhere ? '::' : host, port };
}

/**
 * Whether a request may be meant for a loopback address, by its header `Host`. A page that a browser shows can have a name of its own
 * lead to this machine, and would read the answer; it can't have an address.
 */
export function isOfThisMachine(header: string | undefined): boolean {
  const host = (header ?? '').replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || isIP(host) !== 0;
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
