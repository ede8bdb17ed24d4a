import { createRouterTransport, type Transport } from '@connectrpc/connect';
import { defaultLimits } from '../limits.ts';
import { faultsToCodes, type Routes } from '../routes.ts';

/** Reaches services in this process: every message is encoded and decoded as on a socket, and limited as there. */
export function memoryTransport(
  routes: Routes | readonly Routes[],
  options: { readonly maxMessageBytes?: number | undefined } = {},
): Transport {
  const { maxMessageBytes = defaultLimits.maxMessageBytes } = options;
  const limits = { readMaxBytes: maxMessageBytes, writeMaxBytes: maxMessageBytes };
  return createRouterTransport(
    (router) => {
      for (const put of [routes].flat() as readonly Routes[]) put(router);
    },
    { router: { ...limits, interceptors: [faultsToCodes] }, transport: { ...limits, useBinaryFormat: true } },
  );
}
