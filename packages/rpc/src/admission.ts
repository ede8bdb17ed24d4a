import type { Interceptor } from '@connectrpc/connect';
import type { BegunCall } from './call-observer.ts';

/** Asked before a call's method runs. @throws Fault `permission_denied`, as a rule, for one that may not be made. */
export type Admit = (call: BegunCall) => void;

/** Asks of calls that go through Connect. */
export const admitting =
  (admit: Admit): Interceptor =>
  (next) =>
  async (request) => {
    admit({ method: request.method, requestField: (name) => request.header.get(name) });
    return next(request);
  };
