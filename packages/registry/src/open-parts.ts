import { Api } from './api.ts';
import { Authorization } from './authorization.ts';
import { defaultEndpoints } from './endpoint.ts';
import { Http } from './http.ts';
import type { RegistryOptions } from './options.ts';
import { proxiesOf } from './proxy.ts';
import type { RetryOptions } from './retry.ts';

export interface Parts {
  readonly http: Http;
  readonly api: Api;
  readonly retry: RetryOptions;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Puts a client together. @param onRefreshToken - asks realms for one at a login. */
export function openParts(
  options: RegistryOptions,
  closed: AbortSignal,
  onRefreshToken?: (token: string) => void,
): Parts {
  const { plainHttp, endpoints = defaultEndpoints(plainHttp), userAgent = 'stowage' } = options;
  const { ca, onExchange, maxConcurrent = 16, maxConcurrentPerHost = 8 } = options;
  const { connectTimeoutMs = 10_000, idleTimeoutMs = 30_000, resolveTimeoutMs = 120_000 } = options;
  const { retries = 3, retryDelayMs = 500, proxies = proxiesOf(process.env) } = options;
  const { credentials: credentialsOf = () => undefined, realms = [] } = options;
  const limits = { maxConcurrent, maxConcurrentPerHost, connectTimeoutMs, idleTimeoutMs };
  const http = new Http({ ca, userAgent, proxies, onExchange, ...limits });
  const retry = { retries, delayMs: retryDelayMs, maxDelayMs: 30_000 };
  const guard = new Authorization({ http, credentialsOf, realms, retry, onRefreshToken, closed });
  const api = new Api(http, endpoints, guard, retry);
  return { http, api, retry, requestTimeoutMs: resolveTimeoutMs, idleTimeoutMs };
}
