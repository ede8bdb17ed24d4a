import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf';
import type { ConnectRouter, ConnectRouterOptions, HandlerContext, Interceptor } from '@connectrpc/connect';
import { createMethodSerializationLookup } from '@connectrpc/connect/protocol';
import { faultsToCodes } from '../routes.ts';
import { type Encode, encoderOf } from './envelope.ts';

type Message = MessageShape<DescMessage>;

/** A method that can be called without Connect around it. */
export interface DirectMethod {
  readonly method: DescMethod;
  readonly kind: 'unary' | 'server_streaming';
  readonly maxMessageBytes: number;
  /** The service's own function: a promise or a value if it is unary, an iterable if it streams. */
  readonly invoke: (request: Message, context: HandlerContext) => unknown;
  /** @throws ConnectError for bytes that are no request. */
  readonly parse: (bytes: Uint8Array) => Message;
  /** The response alone. @throws ConnectError for one that can't be sent, or is longer than `maxMessageBytes`. */
  readonly serialize: (message: Message) => Uint8Array;
  /** The response in gRPC's envelope. @throws ConnectError as {@link serialize} does. */
  readonly encode: Encode;
}

/** By path: `/package.Service/Method`. */
export type DirectMethods = ReadonlyMap<string, DirectMethod>;

/**
 * Notes which methods take one message and have nothing around them but {@link faultsToCodes}, whose work a direct
 * call does itself. Any other option of a service leaves its methods to Connect.
 *
 * @param around - Put around every method on the router, as the outermost. Direct calls do without.
 * @returns a router to put services on, in place of the given one, and what was noted, by path.
 */
export function noting(router: ConnectRouter, maxMessageBytes: number, around?: Interceptor) {
  const limits = { readMaxBytes: maxMessageBytes, writeMaxBytes: maxMessageBytes };
  const direct = new Map<string, DirectMethod>();
  // Interceptors of a service are instead of those of its router.
  const wrapped = (options: Partial<ConnectRouterOptions> = {}): Partial<ConnectRouterOptions> =>
    around === undefined
      ? options
      : { ...options, interceptors: [around, ...(options.interceptors ?? [faultsToCodes])] };
  const noted: ConnectRouter = {
    handlers: router.handlers,
    rpc(method, implementation, options) {
      router.rpc(method, implementation, wrapped(options));
      return noted;
    },
    service(service, implementation, options) {
      router.service(service, implementation, wrapped(options));
      const { interceptors = [], ...others } = options ?? {};
      if (Object.keys(others).length > 0 || interceptors.some((one) => one !== faultsToCodes)) return noted;
      const functions = implementation as Readonly<Record<string, unknown>>;
      for (const method of service.methods) {
        const kind = method.methodKind;
        const fn = functions[method.localName];
        if (typeof fn !== 'function' || (kind !== 'unary' && kind !== 'server_streaming')) continue;
        const codec = createMethodSerializationLookup(method, undefined, undefined, limits);
        const [{ parse }, { serialize }] = [codec.getI(true), codec.getO(true)];
        const invoke = fn.bind(implementation);
        const path = `/${service.typeName}/${method.name}`;
        const encode = encoderOf(method.output, serialize, maxMessageBytes);
        direct.set(path, { method, kind, maxMessageBytes, invoke, parse, serialize, encode });
      }
      return noted;
    },
  };
  return { router: noted, direct };
}
