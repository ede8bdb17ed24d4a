import type {
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  DescService,
  Message,
} from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type ServiceImpl,
  type Transport,
} from '@connectrpc/connect';
import type { Routes } from './routes.ts';
import { scopeHeaders, scopeOf } from './scope.ts';

/**
 * Services that pass every call on, with its scope and deadline and no other headers. What fails there fails here with the
 * same code and message. A call that its caller gives up is given up there.
 */
export function forwardRoutes(services: Iterable<DescService>, to: Transport): Routes {
  return (router: ConnectRouter) => {
    for (const service of services) {
      const methods = service.methods.map((method) => [method.localName, forwarded(method, to)]);
      router.service(service, Object.fromEntries(methods) as Partial<ServiceImpl<DescService>>);
    }
  };
}

type Messages = AsyncIterable<Message>;

function forwarded(method: DescMethod, to: Transport): unknown {
  switch (method.methodKind) {
    case 'unary':
      return async (input: Message, context: HandlerContext) =>
        unary(method as DescMethodUnary, to, input, context);
    case 'client_streaming':
      return async (input: Messages, context: HandlerContext) => {
        for await (const message of streamed(method as DescMethodStreaming, to, input, context))
          return message;
        throw new ConnectError('there was no answer', Code.Internal);
      };
    case 'server_streaming':
      return (input: Message, context: HandlerContext) =>
        streamed(method as DescMethodStreaming, to, only(input), context);
    case 'bidi_streaming':
      return (input: Messages, context: HandlerContext) =>
        streamed(method as DescMethodStreaming, to, input, context);
  }
}

async function unary(
  method: DescMethodUnary,
  to: Transport,
  input: Message,
  context: HandlerContext,
): Promise<Message> {
  const headers = scopeHeaders(scopeOf(context));
  return (await to.unary(method, context.signal, context.timeoutMs(), headers, input)).message;
}

async function* streamed(
  method: DescMethodStreaming,
  to: Transport,
  input: Messages,
  context: HandlerContext,
): AsyncGenerator<Message> {
  const headers = scopeHeaders(scopeOf(context));
  const answer = await to.stream(method, context.signal, context.timeoutMs(), headers, input);
  yield* answer.message;
}

async function* only<T>(one: T): AsyncGenerator<T> {
  yield one;
}
