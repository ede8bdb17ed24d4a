import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Request } from '@stowage/api/ttrpc';
import type { Logger } from '@stowage/core';
import { callValues, DirectContext, type DirectMethod, told } from '@stowage/rpc/dispatch';
import type { Method } from './call.ts';
import { fieldsOf } from './metadata.ts';
import { encodeResponse, encodeStatus } from './response.ts';

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
        if (e instanceof ConnectError) return encodeStatus(e.code, e.rawMessage);
        log.error({ err: e, service: request.service, method: request.method }, 'answering an RPC failed');
        return encodeStatus(Code.Internal, 'internal error');
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
  const { service, method: name, metadata, timeoutNano } = request;
  return new DirectContext({
    method,
    headers: { ...fieldsOf(metadata), ':path': `/${service}/${name}` },
    // Rounded up: a deadline of less than a millisecond is one yet.
    timeoutMs: timeoutNano > 0n ? Number((timeoutNano + 999_999n) / 1_000_000n) : undefined,
    values: () => callValues(log),
  });
}
