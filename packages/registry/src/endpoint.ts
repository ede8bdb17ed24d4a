import { isLoopback } from './addresses.ts';

/** Where the API of a registry is. */
export interface Endpoint {
  /** `https://registry-1.docker.io` */
  readonly origin: string;
  /** What stands before `/v2/`. Default: nothing. */
  readonly path?: string | undefined;
}

/** The endpoints to try for a host, in order: mirrors first, the registry itself last. */
export type EndpointsOf = (host: string) => readonly Endpoint[];

/**
 * The registry itself, and nothing else.
 *
 * @param plainHttp - HTTP to all, or to none; by default to loopback only, where nobody can listen in.
 */
export function defaultEndpoints(plainHttp: boolean | undefined): EndpointsOf {
  return (host) => {
    const plain = plainHttp ?? isLoopback(new URL(`http://${host}`).hostname);
    // Docker Hub's API is not at the name that its images bear.
    const at = host === 'docker.io' ? 'registry-1.docker.io' : host;
    return [{ origin: `${plain ? 'http' : 'https'}://${at}` }];
  };
}

export function apiUrl({ origin, path = '' }: Endpoint, rest: string): URL {
  return new URL(`${path.replace(/\/$/, '')}/v2/${rest}`, origin);
}
