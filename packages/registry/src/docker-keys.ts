import type { RegistryAddress } from './credentials.ts';

/** What Docker calls its own registry where credentials are kept. */
export const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

const DOCKER_HUB: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** By which Docker and its helpers know a registry. */
export function dockerKey(host: string): string {
  return DOCKER_HUB.has(host) ? DOCKER_HUB_KEY : host;
}

/**
 * The entry for a registry: the one of its very name, else one that means the same, as `https://registry.example/v1/` does.
 * A key that names a scheme is for that scheme only.
 */
export function entryFor<T>(
  entries: ReadonlyMap<string, T>,
  { host, origin }: RegistryAddress,
): T | undefined {
  const exact = entries.get(dockerKey(host));
  if (exact !== undefined) return exact;
  const scheme = new URL(origin).protocol;
  for (const [key, entry] of entries) {
    const meant = parseKey(key, scheme);
    if (meant !== undefined && meant === hostOf(host, scheme)) return entry;
  }
  return undefined;
}

function parseKey(key: string, scheme: string): string | undefined {
  const [, named, rest = ''] = /^(https?:)\/\/(.*)$/.exec(key) ?? [undefined, undefined, key];
  if (named !== undefined && named !== scheme) return undefined;
  const [host = ''] = rest.split('/', 1);
  return hostOf(host, scheme);
}

/** In one spelling, without the port that goes without saying. */
function hostOf(host: string, scheme: string): string | undefined {
  if (DOCKER_HUB.has(host)) return 'docker.io';
  const url = URL.parse(`${scheme}//${host}`);
  return url === null || url.username !== '' || url.host === '' ? undefined : url.host;
}
