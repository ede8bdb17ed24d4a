import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { createAsyncIterable, readAllBytes } from '@connectrpc/connect/protocol';
import { contentTypeUnaryProto, errorFromJsonBytes } from '@connectrpc/connect/protocol-connect';
import { type Request, type Response, ResponseSchema } from '@stowage/api/ttrpc';
import type { Logger } from '@stowage/core';
import { callValues, type Dispatch } from '@stowage/rpc/dispatch';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { headersOf } from './metadata.ts';

/** Runs a request and gives the bytes of its response; errors are statuses in it. Never rejects. */
export type Call = (request: Request, signal: AbortSignal) => Promise<Uint8Array>;

/** Calls methods by way of Connect's unary protocol in memory, whose bodies are the messages as ttrpc has them. */
export function caller(dispatch: Dispatch, log: Logger): Call {
  return async (request, signal) => {
    try {
      const bytes = encode({ status: { code: 0 }, payload: await run(dispatch, log, request, signal) });
      if (bytes.length <= MAX_MESSAGE_BYTES) return bytes;
      const message = `response of ${bytes.length} bytes is larger than ttrpc carries (${MAX_MESSAGE_BYTES})`;
      return encodeStatus(Code.ResourceExhausted, message);
    } catch (e) {
      if (e instanceof ConnectError) return encodeStatus(e.code, e.rawMessage);
      log.error({ err: e, service: request.service, method: request.method }, 'answering an RPC failed');
      return encodeStatus(Code.Internal, 'internal error');
    }
  };
}

/** A response that is an error. Its message is cut, lest it be too long to send. */
export function encodeStatus(code: Code, message: string): Uint8Array {
  return encode({ status: { code, message: message.slice(0, 16 * 1024) } });
}

function encode(init: Parameters<typeof create<typeof ResponseSchema>>[1]): Uint8Array {
  return toBinary(ResponseSchema, create(ResponseSchema, init) as Response);
}

async function run(
  dispatch: Dispatch,
  log: Logger,
  request: Request,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const path = `/${request.service}/${request.method}`;
  const handler = dispatch.handlers.get(path);
  if (handler === undefined) throw new ConnectError(dispatch.whyNot(path), Code.Unimplemented);
  if (handler.method.methodKind !== 'unary') {
    const message = `${request.service}.${request.method}: streams over ttrpc are not implemented`;
    throw new ConnectError(message, Code.Unimplemented);
  }
  const header = headersOf(request.metadata);
  for (const name of [...header.keys()]) if (OWNED.test(name)) header.delete(name);
  header.set('content-type', contentTypeUnaryProto);
  // Rounded up: a deadline of less than a millisecond is one yet.
  if (request.timeoutNano > 0n)
    header.set('connect-timeout-ms', String((request.timeoutNano + 999_999n) / 1_000_000n));
  const response = await handler({
    httpVersion: '2.0',
    method: 'POST',
    url: `http://localhost${path}`,
    header,
    body: createAsyncIterable([request.payload]),
    signal,
    contextValues: callValues(log),
  });
  const body = await readAllBytes(response.body ?? createAsyncIterable([]), Number.MAX_SAFE_INTEGER);
  if (response.status === 200) return body;
  throw errorFromJsonBytes(body, undefined, new ConnectError(`status ${response.status}`, Code.Internal));
}

/** Headers by which the in-memory protocol would be led astray. */
const OWNED = /^(?:content-|accept-encoding$|connect-)/;
