import type { IncomingHttpHeaders } from 'node:http2';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, type ContextValues, type HandlerContext } from '@connectrpc/connect';
import { contentTypeProto } from '@connectrpc/connect/protocol-grpc';
import { webHeaders } from '../server/messages.ts';

/** Why the signal of a call that was answered is aborted. One for all: each would be as costly as the call. */
const OVER = new DOMException('This operation was aborted', 'AbortError');

export interface DirectContextOptions {
  readonly method: DescMethod;
  readonly headers: IncomingHttpHeaders;
  /** From the start of the call; it may be 0. */
  readonly timeoutMs: number | undefined;
  readonly values: () => ContextValues;
}

/**
 * What a method is told of its call, as by Connect. Its parts are made when they are first looked at: most methods
 * want the signal and one header, and all of them together cost more than a lookup in the database.
 */
export class DirectContext implements HandlerContext {
  readonly method: DescMethod;
  readonly service: DescService;
  readonly requestMethod = 'POST';
  readonly protocolName = 'grpc';
  readonly timeoutMs: () => number | undefined;
  /** Called when the call is given up, which happens at most once. */
  onGivenUp: (() => void) | undefined;
  readonly #headers: IncomingHttpHeaders;
  readonly #makeValues: () => ContextValues;
  readonly #deadline: NodeJS.Timeout | undefined;
  #values: ContextValues | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor({ method, headers, timeoutMs, values }: DirectContextOptions) {
    this.method = method;
    this.service = method.parent;
    this.#headers = headers;
    this.#makeValues = values;
    if (timeoutMs === undefined) {
      this.timeoutMs = () => undefined;
      return;
    }
    const end = Date.now() + timeoutMs;
    this.timeoutMs = () => end - Date.now();
    const expire = () => this.abort(new ConnectError('the operation timed out', Code.DeadlineExceeded));
    if (timeoutMs <= 0) expire();
    else this.#deadline = setTimeout(expire, timeoutMs);
  }

  get url(): string {
    return `http://localhost${this.#headers[':path']}`;
  }

  /** One header of the request, as `requestHeader.get` would give it. */
  requestField(name: string): string | null {
    const value = this.#headers[name];
    return value === undefined ? null : String(value).trim();
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= webHeaders(this.#headers);
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers({ 'content-type': contentTypeProto });
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers({ 'grpc-status': '0' });
    return this.#responseTrailer;
  }

  /** The headers and trailers that a method looked at, and so may have changed. */
  get touched(): { readonly header: Headers | undefined; readonly trailer: Headers | undefined } {
    return { header: this.#responseHeader, trailer: this.#responseTrailer };
  }

  get values(): ContextValues {
    this.#values ??= this.#makeValues();
    return this.#values;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Gives the call up: by its client, its deadline or its server. The first reason counts. */
  abort(reason: NonNullable<unknown>): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    clearTimeout(this.#deadline);
    this.#controller?.abort(reason);
    this.onGivenUp?.();
  }

  /** Ends a call that was answered. */
  end(): void {
    this.onGivenUp = undefined;
    this.abort(OVER);
  }
}
