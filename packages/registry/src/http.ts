import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { CallOptions } from '@stowage/core';
import { type ConnectionDefaults, type ConnectionSettings, Connections } from './connections.ts';
import { type Exchange, withoutSecrets } from './exchange.ts';
import { Gates } from './gates.ts';
import { isForbidden } from './lookup.ts';
import { forbidden, networkFault, shown } from './network-fault.ts';

export interface HttpOptions extends ConnectionDefaults {
  readonly userAgent: string;
  /** Most requests under way at a time, their bodies included. */
  readonly maxConcurrent: number;
  /** Most of them to one origin. */
  readonly maxConcurrentPerHost: number;
  readonly onExchange: ((exchange: Exchange) => void) | undefined;
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface HttpRequest extends CallOptions {
  /** What it is for, for messages: `resolve docker.io/library/busybox:latest`. */
  readonly subject: string;
  readonly method: Method;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes, or what opens a stream of as many as the header `content-length` says, anew for each try. */
  readonly body?: Uint8Array | (() => AsyncIterable<Uint8Array>) | undefined;
  /** Whether this machine may be meant: it may not, where somebody else chose the URL. */
  readonly allowLoopback: boolean;
  /** Of the registry that the URL is at. */
  readonly connection?: ConnectionSettings | undefined;
  /** How long the answer may take once all is sent. Default: as long as a server may be silent. */
  readonly answerTimeoutMs?: number | undefined;
}

/** Dispose it, or its connection stays busy; the body is then gone. */
export interface HttpResponse extends AsyncDisposable {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  /** What a message about this answer should say besides. */
  readonly hint?: string | undefined;
}

const MAX_DUMP_BYTES = 64 * 1024;

/** One request, one answer: follows nothing, retries nothing. */
export class Http implements AsyncDisposable {
  readonly #options: HttpOptions;
  readonly #gates: Gates;
  readonly #connections: Connections;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#gates = new Gates(options.maxConcurrent, options.maxConcurrentPerHost);
    this.#connections = new Connections(options);
  }

  /** @throws Fault as {@link networkFault}; the signal's reason. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { subject, method, url, headers, body: sent, allowLoopback, connection, signal } = request;
    if (isForbidden(url.hostname, allowLoopback)) throw forbidden(subject, url, url.hostname);
    const dispatcher = this.#connections.to(url, allowLoopback, connection);
    const place = await this.#gates.enter(url.origin, signal);
    try {
      const { answerTimeoutMs } = request;
      const begun = performance.now();
      this.#tell(request, headers ?? {}, {});
      const {
        statusCode,
        headers: answered,
        body,
      } = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': this.#options.userAgent, 'accept-encoding': 'identity', ...headers },
        body: typeof sent === 'function' ? Readable.from(sent(), { objectMode: false }) : (sent ?? null),
        signal: signal ?? null,
        ...(answerTimeoutMs !== undefined && { headersTimeout: answerTimeoutMs }),
      });
      this.#tell(request, answered, { status: statusCode, durationMs: performance.now() - begun });
      return {
        url,
        status: statusCode,
        headers: answered,
        body: faulting(body, request),
        async [Symbol.asyncDispose]() {
          body.on('error', () => undefined);
          // What is short is read to its end, so that the connection can be used again.
          if (method !== 'GET' || statusCode >= 300)
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

  #tell(
    { method, url }: HttpRequest,
    headers: Exchange['headers'],
    answer: Pick<Exchange, 'status' | 'durationMs'>,
  ): void {
    const { onExchange } = this.#options;
    onExchange?.({ method, url: shown(url), headers: withoutSecrets(headers), ...answer });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }
}

async function* faulting(body: AsyncIterable<Uint8Array>, request: HttpRequest): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (e) {
    throw networkFault(e, request);
  }
}
