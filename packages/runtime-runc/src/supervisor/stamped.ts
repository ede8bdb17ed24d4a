import type { Interceptor } from '@connectrpc/connect';
import type { Routes } from '@stowage/rpc';
import { SEQ_HEADER } from '../layout.ts';

/** Has each answer say which events were told before it, so that a reader of both can put them in order. */
export function stamped(routes: Routes, seq: () => number): Routes {
  const stamp: Interceptor = (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) response.header.set(SEQ_HEADER, String(seq()));
    return response;
  };
  return (router) => {
    routes({
      handlers: router.handlers,
      rpc: router.rpc,
      service(service, implementation, options = {}) {
        const interceptors = [...(options.interceptors ?? []), stamp];
        router.service(service, implementation, { ...options, interceptors });
        return this;
      },
    });
  };
}
