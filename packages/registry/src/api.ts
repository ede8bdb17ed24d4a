import { type CallOptions, Fault } from '@stowage/core';
import type { Access, Authorizer } from './authorizer.ts';
import { apiUrl, type EndpointsOf } from './endpoint.ts';
import { follow } from './follow.ts';
import type { Http, HttpResponse } from './http.ts';
import type { Reference } from './reference.ts';
import { type RetryOptions, retried } from './retry.ts';

export interface ApiCall extends CallOptions {
  /** For messages. */
  readonly subject: string;
  readonly method: 'GET' | 'HEAD';
  readonly reference: Reference;
  /** Below the repository: `manifests/latest`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
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
    const { reference } = call;
    const endpoints = this.#endpointsOf(reference.host);
    for (const [i, endpoint] of endpoints.entries()) {
      const isLast = i === endpoints.length - 1;
      try {
        const access: Access = { endpoint, repository: reference.repository, actions: 'pull' };
        const response = await this.#ask(access, call);
        if (isLast || response.status < 300) return response;
        await response[Symbol.asyncDispose]();
      } catch (e) {
        if (isLast || call.signal?.aborted || !Fault.is(e)) throw e;
      }
    }
    throw new Fault('failed_precondition', `${call.subject}: no endpoint is known for ${reference.host}`);
  }

  async #ask(access: Access, { subject, method, path, headers, signal }: ApiCall): Promise<HttpResponse> {
    const url = apiUrl(access.endpoint, `${access.repository}/${path}`);
    const send = () => {
      const all = { ...headers, ...this.#authorizer.headers(access) };
      // The registry itself is where the user said, be it this machine.
      const request = { subject, method, url, headers: all, allowLoopback: true, signal };
      return retried(() => follow(this.#http, request), this.#retry, signal);
    };
    const response = await send();
    // A challenge of somebody whom the registry redirected to is no business of ours (CVE-2020-15157).
    if (response.status !== 401 || response.url.origin !== url.origin) return response;
    let again = false;
    try {
      again = await this.#authorizer.challenged(access, response, { signal });
    } finally {
      if (again) await response[Symbol.asyncDispose]();
    }
    return again ? send() : response;
  }
}
