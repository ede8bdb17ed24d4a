import type { ConnectRouter } from '@connectrpc/connect';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@stowage/api/health/v1';
import { Fault, noConfig, plugin, quote } from '@stowage/core';
import { grpcSlot, type Routes, serviceRoutes } from './routes.ts';

/**
 * The service by which clients ask whether a server is up: it is while it answers, as is every service beside it
 * on the same router. Watch tells the state once and stays open.
 *
 * @see grpc health/v1/health.proto
 */
export const healthRoutes: Routes = (router) => {
  const put = serviceRoutes(Health, {
    check({ service }) {
      if (!isServed(router, service)) throw new Fault('not_found', `unknown service ${quote(service)}`);
      return { status: Status.SERVING };
    },
    async *watch({ service }, { signal }) {
      yield { status: isServed(router, service) ? Status.SERVING : Status.SERVICE_UNKNOWN };
      await new Promise((_, fail) => {
        if (signal.aborted) fail(signal.reason);
        signal.addEventListener('abort', () => fail(signal.reason), { once: true });
      });
    },
  });
  put(router);
};

export const healthPlugin = plugin({
  slot: grpcSlot,
  id: 'healthcheck',
  config: noConfig,
  start: () => healthRoutes,
});

function isServed(router: ConnectRouter, service: string): boolean {
  return service === '' || router.handlers.some((handler) => handler.service.typeName === service);
}
