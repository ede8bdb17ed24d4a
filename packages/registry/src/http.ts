import type { IncomingHttpHeaders } from 'node:http';
import { getCACertificates } from 'node:tls';
import type { CallOptions } from '@stowage/core';
import { Agent, type Dispatcher } from 'undici';
import { Gate } from './gate.ts';
import { guardedLookup, isForbidden } from './lookup.ts';
import { forbidden, networkFault } from './network-fault.ts';

export interface HttpOptions {
  readonly userAgent: string;
  readonly ca: string | undefined;
  /** Most requests under way at a time, their bodies included. */
  readonly maxConcurrent: number;
  readonly connectTimeoutMs: number;
  /** How long a server may be silent: before it answers, and between two pieces of a body. */
  readonly idleTimeoutMs: number;
}

export interface HttpRequest extends CallOptions {
  /** What it is for, for messages: `resolve docker.io/library/busybox:latest`. */
  readonly subject: string;
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether this machine may be meant: it may not, where somebody else chose the URL. */
  readonly allowLoopback: boolean;
}

/** Dispose it, or its connection stays busy; the body is then gone. */
export interface HttpResponse extends AsyncDisposable {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
}

const MAX_DUMP_BYTES = 64 * 1024;

/** One request, one answer: follows nothing, retries nothing. */
export class Http implements AsyncDisposable {
  readonly #options: HttpOptions;
  readonly #gate: Gate;
  /** By whether loopback is allowed. Apart, for a connection once made is used again. */
  readonly #agents: ReadonlyMap<boolean, Dispatcher>;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#gate = new Gate(options.maxConcurrent);
    this.#agents = new Map([true, false].map((allow) => [allow, this.#agent(allow)]));
  }

  /** @throws Fault as {@link networkFault}; the signal's reason. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { subject, method, url, headers, allowLoopback, signal } = request;
    if (isForbidden(url.hostname, allowLoopback)) throw forbidden(subject, url, url.hostname);
    const agent = this.#agents.get(allowLoopback);
    const place = await this.#gate.enter(signal);
    try {
      if (agent === undefined) throw new Error('no agent');
      const {
        statusCode,
        headers: answered,
        body,
      } = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': this.#options.userAgent, 'accept-encoding': 'identity', ...headers },
        signal: signal ?? null,
      });
      return {
        url,
        status: statusCode,
        headers: answered,
        body: faulting(body, request),
        async [Symbol.asyncDispose]() {
          body.on('error', () => undefined);
          // What is short is read to its end, so that the connection can be used again.
          if (method === 'HEAD' || statusCode >= 300)
            void body.dump({ limit: MAX_DUMP_BYTES }).catch(() => undefined);
          else body.destroy();
          place[Symbol.dispose]();
        },
      };
    } catch (e) {
      place[Symbol.dispose]();
      throw networkFault(e, request);
    }
  }

  #agent(allowLoopback: boolean): Dispatcher {
    const { ca, connectTimeoutMs, idleTimeoutMs } = this.#options;
    // Given certificates take the place of the usual ones, so these are named with them.
    const trusted = ca === undefined ? {} : { ca: [...getCACertificates(), ca] };
    return new Agent({
      connect: { ...trusted, timeout: connectTimeoutMs, lookup: guardedLookup(allowLoopback) },
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      maxHeaderSize: 64 * 1024,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
  }
}

async function* faulting(body: AsyncIterable<Uint8Array>, request: HttpRequest): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (e) {
    throw networkFault(e, request);
  }
}
