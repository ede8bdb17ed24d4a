import type { CredentialsOf } from './credentials.ts';
import type { EndpointsOf } from './endpoint.ts';
import type { Exchange } from './exchange.ts';
import type { ProxySettings } from './proxy.ts';

export interface RegistryOptions {
  /** HTTP to all registries, or to none. Default: to those on loopback only. */
  readonly plainHttp?: boolean | undefined;
  /** Where the registry of a host is to be reached, mirrors included. Default: at the host itself. */
  readonly endpoints?: EndpointsOf | undefined;
  /** Finds passwords and tokens, such as `dockerCredentials()`. Default: none; all is asked anonymously. */
  readonly credentials?: CredentialsOf | undefined;
  /** `host` or `host:port` of realms that may see credentials of registries at other hosts. Default: none. */
  readonly realms?: readonly string[] | undefined;
  /** Default: what `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say. Loopback is always reached directly. */
  readonly proxies?: ProxySettings | undefined;
  /** Certificates, PEM, that are trusted besides the usual ones. */
  readonly ca?: string | undefined;
  readonly userAgent?: string | undefined;
  /** Told of every request and of every answer, redirects and those for tokens included. */
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
  /** Most requests under way at a time, bodies included. Default: 16. */
  readonly maxConcurrent?: number | undefined;
  /** Most of them to one host. Default: 8. */
  readonly maxConcurrentPerHost?: number | undefined;
  /** Default: 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long a registry may be silent, or take for a kilobyte. Default: 30 s. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long anything but a blob may take, tokens and retries included. Default: 2 minutes. */
  readonly resolveTimeoutMs?: number | undefined;
  /** How often a request is tried again after 429, 5xx or a broken connection. Default: 3. */
  readonly retries?: number | undefined;
  /** Wait before the first retry, doubled for each further one. Default: 500 ms. */
  readonly retryDelayMs?: number | undefined;
}
