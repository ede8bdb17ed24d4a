import { Fault } from '@stowage/core';
import { isLoopback } from './addresses.ts';

/** Through which proxies others are reached. */
export interface ProxySettings {
  /** For `http:` URLs. */
  readonly http?: string | undefined;
  /** For `https:` URLs. */
  readonly https?: string | undefined;
  /** Hosts that are reached without: names with all below them, addresses, `*` for all; divided by commas. */
  readonly none?: string | undefined;
}

const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'socks5:', 'socks:']);

/** What `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say, in capitals or not. */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  // A CGI script's HTTP_PROXY is its client's Proxy header (CVE-2016-5385).
  const isCgi = env.REQUEST_METHOD !== undefined;
  return {
    http: env.http_proxy ?? (isCgi ? undefined : env.HTTP_PROXY),
    https: env.https_proxy ?? env.HTTPS_PROXY,
    none: env.no_proxy ?? env.NO_PROXY,
  };
}

/**
 * The proxy for a URL, if it is not to be reached directly. Loopback always is, as a proxy's loopback is another one.
 *
 * @throws Fault `invalid_argument` for a proxy that is no URL; it is not named, since it may hold a password.
 */
export function proxyFor(url: URL, settings: ProxySettings): string | undefined {
  const isSecure = url.protocol === 'https:';
  const proxy = (isSecure ? settings.https : settings.http) ?? '';
  if (proxy === '' || isLoopback(url.hostname)) return undefined;
  return checkedProxy(proxy, isSecure ? 'HTTPS_PROXY' : 'HTTP_PROXY');
}

/** @param what - where it comes from, for the message. */
export function checkedProxy(proxy: string, what: string): string {
  const parsed = URL.parse(proxy.includes('://') ? proxy : `http://${proxy}`);
  if (parsed === null || !SCHEMES.has(parsed.protocol) || parsed.hostname === '')
    throw new Fault('invalid_argument', `${what}: it must be a URL with http, https or socks5`);
  return parsed.href;
}
