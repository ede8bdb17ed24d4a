import type { Interceptor } from '@connectrpc/connect';
import { errnoOf, Fault, type FaultKind, reasonOf } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import { SEQ_HEADER } from '../layout.ts';

/** Puts interceptors around all methods of a service. */
export function intercepted(routes: Routes, interceptors: readonly Interceptor[]): Routes {
  return (router) => {
    routes({
      handlers: router.handlers,
      rpc: router.rpc,
      service(service, implementation, options = {}) {
        const all = [...(options.interceptors ?? []), ...interceptors];
        router.service(service, implementation, { ...options, interceptors: all });
        return this;
      },
    });
  };
}

/** Has each answer say which events were told before it, so that a reader of both can put them in order. */
export function stampSeq(seq: () => number): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) response.header.set(SEQ_HEADER, String(seq()));
    return response;
  };
}

const KIND_OF: Readonly<Record<string, FaultKind>> = {
  ENOENT: 'not_found',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted',
  ENOMEM: 'resource_exhausted',
  EAGAIN: 'resource_exhausted',
};

/** Tells callers of a failed system call what failed. It is the caller's mounts and paths that most are about. */
export const explainErrno: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (e) {
    const code = errnoOf(e);
    if (Fault.is(e) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw e;
    const operation = request.method.name.toLowerCase();
    throw new Fault(KIND_OF[code] ?? 'unknown', `${operation} task: ${reasonOf(e)}`, { cause: e });
  }
};
