import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  type Interceptor,
  type ServiceImpl,
} from '@connectrpc/connect';
import { errnoOf, type Slot } from '@stowage/core';
import { edgeKey } from './edge.ts';
import { toConnect } from './fault.ts';

/** What a service puts on a server, or on an in-memory transport. */
export type Routes = (router: ConnectRouter) => void;

/** RPC services of the daemon, by plugin id: `content`, `images`, ... */
export const grpcSlot: Slot<Routes> = { type: 'io.containerd.grpc.v1', api: 1 };

/**
 * Offers a service. Faults that its methods throw become RPC codes; a method that is left out answers
 * `unimplemented` with its own name.
 *
 * The headers of a streamed response leave as soon as its method has run up to its first wait, so a method that
 * subscribes before it waits for anything has subscribed when the client sees them.
 *
 * Bytes in what a method answers are given away: they may be sent from where they are, at any time after.
 */
export function serviceRoutes<S extends DescService>(service: S, impl: Partial<ServiceImpl<S>>): Routes {
  return (router) => void router.service(service, impl, { interceptors: [faultsToCodes] });
}

/** The interceptor of {@link serviceRoutes}, for services that are put on a router without it. */
export const faultsToCodes: Interceptor = (next) => async (request) => {
  try {
    const response = await next(
      request.stream ? { ...request, message: received(request.message) } : request,
    );
    if (!response.stream) return response;
    const flush = () => request.contextValues.get(edgeKey)?.flushHeaders(response.header);
    const fail = (e: unknown) => told(e, request);
    return { ...response, message: begun(response.message, flush, fail, request.signal) };
  } catch (e) {
    throw told(e, request);
  }
};

/** What a client sends. That it went away meanwhile is no unexpected error. */
async function* received<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (e) {
    if (errnoOf(e) !== 'ERR_STREAM_PREMATURE_CLOSE') throw e;
    throw new ConnectError('the client went away', Code.Canceled, undefined, undefined, e);
  }
}

async function* begun<T>(
  messages: AsyncIterable<T>,
  flush: () => void,
  fail: (e: unknown) => unknown,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let ended = false;
  let left = false;
  // A consumer that goes away need not return its iterators (in memory it does not). A method suspended at a `yield`
  // would then hold what it holds for good.
  const leave = () => {
    left = true;
    iterator.return?.().catch(() => {});
  };
  signal.addEventListener('abort', leave, { once: true });
  const early = setImmediate(flush);
  try {
    for (;;) {
      const next = await iterator.next();
      clearImmediate(early);
      // Made to end is not done: a client must not take what it has for the whole.
      if (next.done === true && left) throw signal.reason;
      if (next.done === true) break;
      yield next.value;
    }
    ended = true;
  } catch (e) {
    ended = true;
    throw fail(e);
  } finally {
    clearImmediate(early);
    signal.removeEventListener('abort', leave);
    if (!ended) await iterator.return?.();
  }
}

/** What a client is told of what a method threw. What is not for clients is reported. */
export function told(
  e: unknown,
  call: { readonly method: DescMethod; readonly contextValues: ContextValues },
): unknown {
  const error = toConnect(e);
  if (!(error instanceof ConnectError)) {
    call.contextValues.get(edgeKey)?.report(`${call.method.parent.typeName}/${call.method.name}`, e);
  }
  return error;
}
