import { type CallOptions, Fault } from '@stowage/core';
import { isLoopback } from './addresses.ts';
import type { Access, Authorizer, Scope } from './authorizer.ts';
import { buffered } from './buffered.ts';
import { apiUrl, type Capability, type Endpoint, type EndpointsOf, isCapable } from './endpoint.ts';
import { follow } from './follow.ts';
import type { Http, HttpRequest, HttpResponse } from './http.ts';
import { type RetryOptions, retried } from './retry.ts';

/** Bytes of an answer that is kept while its challenge is answered: what a message may need of it. */
const MAX_REFUSAL_BYTES = 16 * 1024;

export interface ApiRequest extends CallOptions {
  /** For messages. */
  readonly subject: string;
  readonly method: HttpRequest['method'];
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: HttpRequest['body'];
  readonly answerTimeoutMs?: number | undefined;
  /** Whether sending again what broke off is right. Default: yes; else only what was refused is sent again. */
  readonly isRepeatable?: boolean | undefined;
}

export interface ApiCall extends ApiRequest {
  readonly host: string;
  /** Below the root of the API: `library/busybox/manifests/latest`. */
  readonly path: string;
  /** What the endpoint must be good for. */
  readonly needs: Capability;
  readonly scopes: readonly Scope[];
}

/** The distribution API: finds the endpoint, gets past its guard, tries again where that helps, follows redirects. */
export class Api {
  readonly #http: Http;
  readonly #endpointsOf: EndpointsOf;
  readonly #authorizer: Authorizer;
  readonly #retry: RetryOptions;

  constructor(http: Http, endpointsOf: EndpointsOf, authorizer: Authorizer, retry: RetryOptions) {
    this.#http = http;
    this.#endpointsOf = endpointsOf;
    this.#authorizer = authorizer;
    this.#retry = retry;
  }

  /** @returns the answer, whatever its status, of the first endpoint that has what is asked for, or of the last. */
  async call(call: ApiCall): Promise<HttpResponse> {
    const endpoints = await this.#endpoints(call);
    for (const [i, endpoint] of endpoints.entries()) {
      const isLast = i === endpoints.length - 1;
      try {
        const response = await this.ask({ endpoint, scopes: call.scopes }, apiUrl(endpoint, call.path), call);
        if (isLast || response.status < 300) return response;
        await response[Symbol.asyncDispose]();
      } catch (e) {
        if (isLast || call.signal?.aborted || !Fault.is(e)) throw e;
      }
    }
    throw new Error('no endpoint was asked');
  }

  /** The one endpoint that takes what is pushed: mirrors are not tried in its place. */
  async pushEndpoint(subject: string, host: string): Promise<Endpoint> {
    const [first] = await this.#endpoints({ subject, host, needs: 'push' });
    if (first === undefined) throw new Error('no endpoint');
    return first;
  }

  /**
   * Asks one endpoint, at a URL of its API or one that it named. Elsewhere than at its origin it is not known who
   * answers, so nothing that lets pass is sent there.
   */
  async ask(access: Access, url: URL, request: ApiRequest): Promise<HttpResponse> {
    const { endpoint } = access;
    const { subject, method, headers, body, signal, answerTimeoutMs, isRepeatable = true } = request;
    const origin = new URL(endpoint.origin);
    const isOwn = url.origin === origin.origin;
    const retry = isRepeatable ? this.#retry : { ...this.#retry, onlyIfRefused: true };
    let passes: Readonly<Record<string, string>> = {};
    const send = () => {
      passes = isOwn ? this.#authorizer.headers(access) : {};
      const own = isOwn ? { ...endpoint.headers, ...headers, ...passes } : headers;
      const connection = isOwn ? endpoint.connection : undefined;
      // The registry itself is where the user said, be it this machine.
      const allowLoopback = isOwn || isLoopback(origin.hostname);
      const sent = {
        subject,
        method,
        url,
        headers: own,
        body,
        allowLoopback,
        connection,
        answerTimeoutMs,
        signal,
      };
      return retried(() => follow(this.#http, sent), retry, signal);
    };
    const response = await send();
    // A challenge of somebody whom the registry redirected to is no business of ours (CVE-2020-15157).
    if (response.status !== 401 || response.url.origin !== origin.origin) return response;
    // Asking for a token needs the place that this answer holds.
    const refusal = await buffered(response, MAX_REFUSAL_BYTES);
    const { again, hint } = await this.#authorizer.challenged(access, refusal, passes, { signal });
    const last = again ? await send() : refusal;
    return hint !== undefined && (last.status === 401 || last.status === 403) ? { ...last, hint } : last;
  }

  async #endpoints({ subject, host, needs }: Pick<ApiCall, 'subject' | 'host' | 'needs'>) {
    const endpoints = (await this.#endpointsOf(host)).filter((endpoint) => isCapable(endpoint, needs));
    if (endpoints.length > 0) return endpoints;
    throw new Fault('failed_precondition', `${subject}: no endpoint is known that can ${needs} for ${host}`);
  }
}
