import { Fault } from '@stowage/core';
import { parse } from 'smol-toml';
import type { Capability } from './endpoint.ts';
import { goDurationMs } from './go-duration.ts';
import { checkedProxy } from './proxy.ts';

/** Paths, relative to their directory, of PEM files. */
export interface CertificateFiles {
  readonly ca?: readonly string[] | undefined;
  /** Certificate and key; the key is with the certificate if it is named nowhere. */
  readonly client?: readonly (readonly [string, string?])[] | undefined;
}

/** What a file says of one endpoint. */
export interface HostSettings {
  /** None is the registry itself. */
  readonly server?: URL | undefined;
  readonly capabilities?: readonly Capability[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly overridePath?: boolean | undefined;
  readonly skipVerify?: boolean | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly proxy?: string | undefined;
  readonly files: CertificateFiles;
}

type Table = Readonly<Record<string, unknown>>;

const CAPABILITIES: readonly Capability[] = ['pull', 'resolve', 'push'];

/**
 * Reads a `hosts.toml`: its hosts in the order in which they stand there, then its `server`. Keys that are not known are
 * passed over, as later versions of containerd bring more.
 *
 * @throws Fault `invalid_argument` naming the file, the key and what was expected.
 */
export function parseHostsToml(file: string, text: string): HostSettings[] {
  let top: Table;
  try {
    top = parse(text) as Table;
  } catch (e) {
    throw new Fault('invalid_argument', `${file}: it is no TOML`, { cause: e });
  }
  const hosts = top.host ?? {};
  if (!isTable(hosts)) throw new Fault('invalid_argument', `${file}: host: expected a table`);
  const mirrors = Object.entries(hosts).map(([name, table]) => {
    // Without a password that somebody may have put there.
    const path = `${file}: host.${JSON.stringify(name.replace(/\/\/.*@/, '//'))}`;
    if (!isTable(table)) throw new Fault('invalid_argument', `${path}: expected a table`);
    return { server: parseServer(path, name), ...settingsIn(path, table) };
  });
  const server =
    top.server === undefined || top.server === '' ? undefined : parseServer(`${file}: server`, top.server);
  return [...mirrors, { server, ...settingsIn(file, top) }];
}

function parseServer(path: string, value: unknown): URL {
  const text = typeof value === 'string' ? value : '';
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (
    url === null ||
    !isHttp ||
    text === '' ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== ''
  )
    throw new Fault(
      'invalid_argument',
      `${path}: expected a URL with http or https, and no password or query`,
    );
  return url;
}

function settingsIn(path: string, table: Table): Omit<HostSettings, 'server'> {
  const fail = (key: string, expected: string) =>
    new Fault('invalid_argument', `${path}: ${key}: expected ${expected}`);
  const boolean = (key: string) => {
    const value = table[key];
    if (value !== undefined && typeof value !== 'boolean') throw fail(key, 'true or false');
    return value;
  };
  const { dial_timeout: dial, proxy } = table;
  const connectTimeoutMs = dial === undefined || dial === '' ? undefined : goDurationMs(dial);
  if (Number.isNaN(connectTimeoutMs)) throw fail('dial_timeout', 'a duration such as "1s"');
  if (proxy !== undefined && typeof proxy !== 'string') throw fail('proxy', 'a URL');
  return {
    capabilities: capabilitiesIn(table.capabilities, fail),
    headers: headersIn(table.header, fail),
    overridePath: boolean('override_path'),
    skipVerify: boolean('skip_verify'),
    connectTimeoutMs,
    proxy: proxy === undefined || proxy === '' ? undefined : checkedProxy(proxy, `${path}: proxy`),
    files: { ca: stringsIn('ca', table.ca, fail), client: clientIn(table.client, fail) },
  };
}

type Fail = (key: string, expected: string) => Fault;

/** An empty list is as good as none, as for containerd. */
function capabilitiesIn(value: unknown, fail: Fail): readonly Capability[] | undefined {
  const names = stringsIn('capabilities', value, fail);
  if (names === undefined || names.length === 0) return undefined;
  return names.map((name) => {
    const known = CAPABILITIES.find((one) => one === name.toLowerCase());
    if (known === undefined)
      throw fail('capabilities', `${CAPABILITIES.join(', ')}, not ${JSON.stringify(name)}`);
    return known;
  });
}

function headersIn(value: unknown, fail: Fail): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  if (!isTable(value)) throw fail('header', 'a table');
  const headers: Record<string, string> = {};
  for (const [name, content] of Object.entries(value)) {
    const lines = stringsIn(`header.${name}`, content, fail) ?? [];
    if (
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ||
      lines.some((line) => /[^\t\x20-\x7e\x80-\xff]/.test(line))
    )
      throw fail(`header.${name}`, 'a name and a text that can be a header');
    headers[name.toLowerCase()] = lines.join(', ');
  }
  return headers;
}

function stringsIn(key: string, value: unknown, fail: Fail): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string'))
    throw fail(key, 'a string or strings');
  return list;
}

function clientIn(value: unknown, fail: Fail): CertificateFiles['client'] {
  if (value === undefined) return undefined;
  const list: unknown = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list)) throw fail('client', 'a path, paths, or pairs of paths');
  return list.map((one: unknown): readonly [string, string?] => {
    if (typeof one === 'string') return [one];
    const [certificate, key] = Array.isArray(one) ? one : [];
    if (!Array.isArray(one) || one.length !== 2 || typeof certificate !== 'string' || typeof key !== 'string')
      throw fail('client', 'a path, paths, or pairs of paths');
    return [certificate, key];
  });
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
