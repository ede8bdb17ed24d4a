import type { HandlerContext } from '@connectrpc/connect';
import { EXHAUSTED, errnoOf, Fault, type FaultKind, reasonOf } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import { SEQ_HEADER } from '../layout.ts';

type Call = (request: unknown, context: HandlerContext) => unknown;

/** What is put around a method that takes and gives one message. */
export type Around = (call: Call, method: string) => Call;

/**
 * Puts something around all methods of a service. Connect's own interceptors would do, but a method that has any is not
 * called directly (see @stowage/rpc), which is most of what a short call costs.
 */
export function intercepted(routes: Routes, around: readonly Around[]): Routes {
  return (router) => {
    routes({
      handlers: router.handlers,
      rpc: router.rpc,
      service(service, implementation, options) {
        const wrapped: Record<string, Call> = {};
        for (const [name, call] of Object.entries(implementation as Readonly<Record<string, Call>>)) {
          wrapped[name] = around.reduce((inner, put) => put(inner, name), call);
        }
        router.service(service, wrapped as typeof implementation, options);
        return this;
      },
    });
  };
}

/** Has each answer say which events were told before it, so that a reader of both can put them in order. */
export function stampSeq(seq: () => number): Around {
  return (call) => async (request, context) => {
    const response = await call(request, context);
    context.responseHeader.set(SEQ_HEADER, String(seq()));
    return response;
  };
}

const KIND_OF: Readonly<Record<string, FaultKind>> = {
  ENOENT: 'not_found',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  ...EXHAUSTED,
  EAGAIN: 'resource_exhausted',
};

/** Tells callers of a failed system call what failed. It is the caller's mounts and paths that most are about. */
export const explainErrno: Around = (call, method) => async (request, context) => {
  try {
    return await call(request, context);
  } catch (e) {
    const code = errnoOf(e);
    if (Fault.is(e) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw e;
    throw new Fault(KIND_OF[code] ?? 'unknown', `${method.toLowerCase()} task: ${reasonOf(e)}`, { cause: e });
  }
};
