import { Fault, quote } from '@stowage/core';
import type { Endpoint } from './endpoint.ts';
import { shown } from './network-fault.ts';

/** Realms that are known to belong to a registry of another name. */
const WELL_KNOWN: ReadonlyMap<string, readonly string[]> = new Map([
  ['registry-1.docker.io', ['auth.docker.io']],
]);

/**
 * Where tokens for an endpoint are handed out, as its challenge says.
 *
 * @throws Fault `permission_denied` for what is no http or https URL, has a password in it, or is less guarded than the
 *   registry.
 */
export function realmOf({ origin }: Endpoint, realm: string): URL {
  const url = URL.parse(realm);
  const fail = (reason: string) => new Fault('permission_denied', `get token for ${origin}: ${reason}`);
  if (url === null) throw fail(`its realm ${quote(realm.replace(/\/\/[^/]*@/, '//'))} is no URL`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw fail(`its realm is ${quote(url.protocol)}`);
  if (url.protocol === 'http:' && origin.startsWith('https:')) {
    throw fail(`its realm ${shown(url)} is not encrypted, and the registry is`);
  }
  if (url.username !== '' || url.password !== '') throw fail(`its realm ${shown(url)} has a password in it`);
  return url;
}

/**
 * Whether a realm may see the credentials of a registry: it is at the same host, or encrypted and either listed, well
 * known, or at a name above or below the registry's. Who has `example.org` decides what `registry.example.org` is, and so
 * the other way round; but names side by side may belong to strangers, as those below `github.io` do.
 *
 * @param listed - `host` or `host:port` of realms that the user trusts.
 */
export function isTrustedRealm({ origin }: Endpoint, realm: URL, listed: readonly string[]): boolean {
  const registry = new URL(origin);
  if (realm.hostname === registry.hostname) return true;
  if (listed.includes(realm.host)) return true;
  if (realm.protocol !== 'https:') return false;
  if (WELL_KNOWN.get(registry.host)?.includes(realm.host)) return true;
  return isBelow(realm.hostname, registry.hostname) || isBelow(registry.hostname, realm.hostname);
}

function isBelow(name: string, domain: string): boolean {
  return domain.includes('.') && !/^[0-9.]+$/.test(domain) && name.endsWith(`.${domain}`);
}
