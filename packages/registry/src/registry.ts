import { type CallOptions, type Descriptor, Fault } from '@stowage/core';
import { AnonymousTokens } from './anonymous-tokens.ts';
import { Api } from './api.ts';
import { defaultEndpoints, type EndpointsOf } from './endpoint.ts';
import { type FetchOptions, fetchBlob } from './fetch.ts';
import { Http } from './http.ts';
import { parseReference } from './reference.ts';
import { resolveReference } from './resolve.ts';

/**
 * Registries, reached anonymously.
 *
 * @see distribution-spec, "Pull"
 */
export interface Registry extends AsyncDisposable {
  /**
   * What a full name stands for now.
   *
   * @param name - `host/repository:tag` or `host/repository@digest`.
   * @throws Fault `not_found`; `unauthenticated`, `permission_denied`; `unavailable` if the registry does not answer;
   *   `resource_exhausted` if it has had too many requests; `failed_precondition` if it contradicts itself;
   *   `invalid_argument` for a name that is none; `unimplemented` for Docker schema 1.
   */
  resolve(name: string, options?: CallOptions): Promise<Resolved>;

  /**
   * The bytes of a blob or manifest, never more than the descriptor says.
   *
   * @param name - of the repository; tag and digest do not matter.
   * @throws Fault as {@link resolve}; `unavailable` where it broke off: ask for the rest with `offset`.
   */
  fetch(name: string, descriptor: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array>;
}

export interface Resolved {
  readonly name: string;
  readonly descriptor: Descriptor;
}

export interface RegistryOptions {
  /** HTTP to all registries, or to none. Default: to those on loopback only. */
  readonly plainHttp?: boolean | undefined;
  /** Where the registry of a host is to be reached, mirrors included. Default: at the host itself. */
  readonly endpoints?: EndpointsOf | undefined;
  /** Certificates, PEM, that are trusted besides the usual ones. */
  readonly ca?: string | undefined;
  readonly userAgent?: string | undefined;
  /** Most requests under way at a time. Default: 16. */
  readonly maxConcurrent?: number | undefined;
  /** Default: 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long a registry may be silent. Default: 30 s. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long resolving a name may take, tokens and retries included. Default: 2 minutes. */
  readonly resolveTimeoutMs?: number | undefined;
  /** How often a request is tried again after 429, 5xx or a broken connection. Default: 3. */
  readonly retries?: number | undefined;
  /** Wait before the first retry, doubled for each further one. Default: 500 ms. */
  readonly retryDelayMs?: number | undefined;
}

/** Connects to nobody until asked. Dispose it to close its connections. */
export function openRegistry(options: RegistryOptions = {}): Registry {
  return new RegistryClient(options);
}

class RegistryClient implements Registry {
  readonly #http: Http;
  readonly #api: Api;
  readonly #resolveTimeoutMs: number;
  readonly #closed = new AbortController();

  constructor(options: RegistryOptions) {
    const { plainHttp, endpoints = defaultEndpoints(plainHttp), userAgent = 'stowage' } = options;
    const { ca, maxConcurrent = 16, connectTimeoutMs = 10_000, idleTimeoutMs = 30_000 } = options;
    const { retries = 3, retryDelayMs = 500, resolveTimeoutMs = 120_000 } = options;
    this.#resolveTimeoutMs = resolveTimeoutMs;
    this.#http = new Http({ ca, userAgent, maxConcurrent, connectTimeoutMs, idleTimeoutMs });
    const retry = { retries, delayMs: retryDelayMs, maxDelayMs: 30_000 };
    this.#api = new Api(this.#http, endpoints, new AnonymousTokens(this.#http), retry);
  }

  async resolve(name: string, { signal }: CallOptions = {}): Promise<Resolved> {
    const reference = parseReference(name);
    // Against a registry that sends a byte now and then, for ever.
    const timeout = AbortSignal.timeout(this.#resolveTimeoutMs);
    try {
      const until = AbortSignal.any([this.#until(signal), timeout]);
      return { name, descriptor: await resolveReference(this.#api, reference, { signal: until }) };
    } catch (e) {
      if (!timeout.aborted || signal?.aborted || this.#closed.signal.aborted) throw e;
      throw new Fault('unavailable', `resolve ${name}: it took more than ${this.#resolveTimeoutMs} ms`, {
        cause: e,
      });
    }
  }

  async *fetch(name: string, descriptor: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array> {
    const signal = this.#until(options.signal);
    yield* fetchBlob(this.#api, parseReference(name), descriptor, { ...options, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Fault('canceled', 'registry: it was closed'));
    await this.#http[Symbol.asyncDispose]();
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
  }
}
