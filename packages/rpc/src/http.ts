import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Logger, silentLogger } from '@stowage/core';
import { compileRoutes } from './dispatch.ts';
import { defaultLimits } from './limits.ts';
import { OpenCalls } from './open-calls.ts';
import type { Routes } from './routes.ts';
import { requestHandler } from './server/handler.ts';

export interface HttpCallsOptions {
  readonly routes: readonly Routes[];
  /** Default: 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
  readonly log?: Logger | undefined;
}

/** RPC services as a part of somebody's own HTTP server. */
export interface HttpCalls extends Disposable {
  /**
   * Answers a request as the server does: gRPC-Web and Connect, binary and JSON. Headers that the response has been given
   * stay. Never throws.
   */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Ends calls that are under way, and all that come later, with the reason. */
  abort(reason: NonNullable<unknown>): void;
}

/** Services for an HTTP server that is another's, which sees to who may call. */
export function httpCalls(options: HttpCallsOptions): HttpCalls {
  const { routes, maxMessageBytes = defaultLimits.maxMessageBytes, log = silentLogger } = options;
  const calls = new OpenCalls();
  const dispatch = compileRoutes({ routes, maxMessageBytes });
  const abort = (reason: NonNullable<unknown>) => calls.abort(reason);
  return {
    answer: requestHandler({ dispatch, maxMessageBytes, log, calls }),
    abort,
    [Symbol.dispose]: () => abort(new DOMException('the server stops', 'AbortError')),
  };
}
