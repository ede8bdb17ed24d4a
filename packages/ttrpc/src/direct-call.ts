import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import type { Request } from '@stowage/api/ttrpc';
import type { Logger } from '@stowage/core';
import { callValues, DirectContext, type DirectMethod, told } from '@stowage/rpc/dispatch';
import type { Method } from './call.ts';
import { fieldsOf, timeoutMsOf } from './metadata.ts';
import { encodeFailure, encodeResponse } from './response.ts';

/** A unary method, called without the layers that serve every protocol. It answers as through them. */
export function directMethod(direct: DirectMethod, log: Logger): Method {
  return {
    takesStream: false,
    givesStream: false,
    async run(request, _messages, signal) {
      const context = contextOf(direct, request, log);
      const onAbort = () => context.abort(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        return await answer(direct, request, context);
      } catch (e) {
        return encodeFailure(e, request, log);
      } finally {
        signal.removeEventListener('abort', onAbort);
        context.end();
      }
    },
  };
}

async function answer(direct: DirectMethod, request: Request, context: DirectContext): Promise<Uint8Array> {
  const { method, invoke, parse, serialize } = direct;
  const message = parse(request.payload);
  try {
    const response = await invoke(message, context);
    const payload = serialize(create(method.output, response as MessageInitShape<DescMessage>));
    return encodeResponse(payload, context.touched.header);
  } catch (e) {
    throw told(e, { method, contextValues: context.values });
  }
}

function contextOf({ method }: DirectMethod, request: Request, log: Logger): DirectContext {
  const { service, method: name, metadata } = request;
  return new DirectContext({
    method,
    headers: { ...fieldsOf(metadata), ':path': `/${service}/${name}` },
    timeoutMs: timeoutMsOf(request),
    values: () => callValues(log),
  });
}
