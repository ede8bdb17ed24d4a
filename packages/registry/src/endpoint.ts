import { isLoopback } from './addresses.ts';
import type { ConnectionSettings } from './connections.ts';

/** What an endpoint may be asked for: content by digest, what a tag stands for, and to take content. */
export type Capability = 'pull' | 'resolve' | 'push';

/** Where the API of a registry is. */
export interface Endpoint {
  /** `https://registry-1.docker.io` */
  readonly origin: string;
  /** What stands before `/v2/`. Default: nothing. */
  readonly path?: string | undefined;
  /** The path is all that stands before the repository; no `/v2/` comes after it. */
  readonly overridePath?: boolean | undefined;
  /** Default: all. */
  readonly capabilities?: readonly Capability[] | undefined;
  /** Sent to this endpoint with every request, and to nobody else. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as `ns`, by which a mirror of several registries knows which is meant. */
  readonly namespace?: string | undefined;
  /** How it is connected to. Holds for this origin only, not for where it redirects to. */
  readonly connection?: ConnectionSettings | undefined;
}

/** The endpoints to try for a host, in order: mirrors first, the registry itself last. Asked anew for each request. */
export type EndpointsOf = (host: string) => readonly Endpoint[] | Promise<readonly Endpoint[]>;

/**
 * The registry itself, and nothing else.
 *
 * @param plainHttp - HTTP to all, or to none; by default to loopback only, where nobody can listen in.
 */
export function defaultEndpoints(plainHttp: boolean | undefined): (host: string) => readonly [Endpoint] {
  return (host) => {
    const plain = plainHttp ?? isLoopback(new URL(`http://${host}`).hostname);
    // Docker Hub's API is not at the name that its images bear.
    const at = host === 'docker.io' ? 'registry-1.docker.io' : host;
    return [{ origin: `${plain ? 'http' : 'https'}://${at}` }];
  };
}

export function isCapable({ capabilities }: Endpoint, of: Capability): boolean {
  return capabilities === undefined || capabilities.includes(of);
}

/** @param rest - below the root of the API: `library/busybox/manifests/latest?n=5`. */
export function apiUrl(endpoint: Endpoint, rest: string): URL {
  const { origin, path = '', overridePath, namespace } = endpoint;
  const url = new URL(`${path.replace(/\/$/, '')}/${overridePath ? '' : 'v2/'}${rest}`, origin);
  if (namespace !== undefined) url.searchParams.set('ns', namespace);
  return url;
}
