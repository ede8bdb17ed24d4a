import type { DescService } from '@bufbuild/protobuf';
import type { ConnectRouter, Interceptor, ServiceImpl } from '@connectrpc/connect';
import type { Slot } from '@stowage/core';
import { toConnect } from './fault.ts';

/** What a service puts on a server, or on an in-memory transport. */
export type Routes = (router: ConnectRouter) => void;

/** RPC services of the daemon, by plugin id: `content`, `images`, ... */
export const grpcSlot: Slot<Routes> = { type: 'io.containerd.grpc.v1', api: 1 };

const faultsToCodes: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: mapped(response.message) } : response;
  } catch (e) {
    throw toConnect(e);
  }
};

async function* mapped<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (e) {
    throw toConnect(e);
  }
}

/**
 * Offers a service. Faults that its methods throw become RPC codes; a method that is left out answers
 * `unimplemented` with its own name.
 */
export function serviceRoutes<S extends DescService>(service: S, impl: Partial<ServiceImpl<S>>): Routes {
  return (router) => void router.service(service, impl, { interceptors: [faultsToCodes] });
}
