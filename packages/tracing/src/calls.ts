import { Code, ConnectError, type Interceptor, type StreamResponse } from '@connectrpc/connect';
import { formatTraceparent, TRACEPARENT } from './trace-context.ts';
import type { Span, Tracer } from './tracer.ts';

/**
 * Makes a span of each call of a client, and tells its server which. For `unixTransport` of `@stowage/rpc/transport`, or
 * any transport of Connect's.
 *
 * @param tracer - asked for at each call; undefined while there is none.
 */
export function traceCalls(tracer: Tracer | (() => Tracer | undefined)): Interceptor {
  const current = () => (typeof tracer === 'function' ? tracer() : tracer);
  return (next) => async (request) => {
    const now = current();
    if (now?.isOn !== true) return next(request);
    const service = request.service.typeName;
    const method = request.method.name;
    const span = now.start(`${service}/${method}`, {
      kind: 'client',
      attributes: { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method },
    });
    request.header.set(TRACEPARENT, formatTraceparent(span.context));
    try {
      const response = await span.run(() => next(request));
      if (response.stream) return { ...response, message: untilEnd(response.message, span) };
      end(span, undefined);
      return response;
    } catch (e) {
      end(span, ConnectError.from(e).code);
      throw e;
    }
  };
}

/** Ends a span as the call of it ended. */
export function end(span: Span, code: Code | undefined): void {
  span.set({ 'rpc.grpc.status_code': code ?? 0 });
  span.end(code === undefined ? undefined : (Code[code] ?? 'Unknown'));
}

async function* untilEnd(messages: StreamResponse['message'], span: Span) {
  let code: Code | undefined = Code.Canceled;
  try {
    yield* messages;
    code = undefined;
  } catch (e) {
    code = ConnectError.from(e).code;
    throw e;
  } finally {
    end(span, code);
  }
}
