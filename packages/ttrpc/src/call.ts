import { Code, ConnectError } from '@connectrpc/connect';
import {
  createAsyncIterable,
  encodeEnvelope,
  pipe,
  readAllBytes,
  transformSplitEnvelope,
  type UniversalHandler,
} from '@connectrpc/connect/protocol';
import {
  contentTypeStreamProto,
  contentTypeUnaryProto,
  endStreamFlag,
  endStreamFromJson,
  errorFromJsonBytes,
} from '@connectrpc/connect/protocol-connect';
import type { Request } from '@stowage/api/ttrpc';
import type { Logger } from '@stowage/core';
import { callValues, type Dispatch } from '@stowage/rpc/dispatch';
import { directMethod } from './direct-call.ts';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { headersOf, timeoutMsOf } from './metadata.ts';
import { encodeFailure, encodeResponse, tooLongToSend } from './response.ts';

/** What a request asks for, as far as its stream differs by it. */
export interface Method {
  readonly takesStream: boolean;
  readonly givesStream: boolean;
  /**
   * Gives the bytes of the response; errors are statuses in it. Undefined if all was sent that there is to say.
   * Never rejects.
   */
  run(request: Request, messages: Messages, signal: AbortSignal): Promise<Uint8Array | undefined>;
}

export interface Messages {
  /** What the client sends; for a unary method, the one message. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Sends a message of a method that gives a stream; waits while much waits to be sent. */
  send(message: Uint8Array): Promise<void>;
}

export type FindMethod = (request: Request) => Method;

/** Finds methods, and calls them by way of Connect's protocol in memory, whose messages are as ttrpc has them. */
export function methodFinder(dispatch: Dispatch, log: Logger): FindMethod {
  return ({ service, method }) => {
    const path = `/${service}/${method}`;
    const direct = dispatch.direct.get(path);
    if (direct?.kind === 'unary') return directMethod(direct, log);
    const handler = dispatch.handlers.get(path);
    const kind = handler?.method.methodKind ?? 'unary';
    return {
      takesStream: kind === 'client_streaming' || kind === 'bidi_streaming',
      givesStream: kind === 'server_streaming' || kind === 'bidi_streaming',
      async run(request, messages, signal) {
        try {
          if (handler === undefined) throw new ConnectError(dispatch.whyNot(path), Code.Unimplemented);
          const answer = await (kind === 'unary' ? unary : streaming)(
            handler,
            log,
            request,
            messages,
            signal,
          );
          return answer && encodeResponse(answer);
        } catch (e) {
          return encodeFailure(e, request, log);
        }
      },
    };
  };
}

async function unary(
  handler: UniversalHandler,
  log: Logger,
  request: Request,
  { received }: Messages,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const response = await call(handler, log, request, contentTypeUnaryProto, received, signal);
  const body = await readAllBytes(response.body ?? createAsyncIterable([]), Number.MAX_SAFE_INTEGER);
  if (response.status === 200) return body;
  throw errorFromJsonBytes(body, undefined, new ConnectError(`status ${response.status}`, Code.Internal));
}

/** Sends all messages but the one of a method that gives no stream: that is the answer. */
async function streaming(
  handler: UniversalHandler,
  log: Logger,
  request: Request,
  { received, send }: Messages,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const body = enveloped(received);
  const response = await call(handler, log, request, contentTypeStreamProto, body, signal);
  const isOne = handler.method.methodKind === 'client_streaming';
  let answer: Uint8Array | undefined;
  const envelopes = pipe(response.body ?? createAsyncIterable([]), transformSplitEnvelope(0xffffffff), {
    propagateDownStreamError: true,
  });
  for await (const { flags, data } of envelopes) {
    if ((flags & endStreamFlag) !== 0) {
      const { error } = endStreamFromJson(data);
      if (error !== undefined) throw error;
      return answer;
    }
    if (isOne) answer = data;
    else if (data.length > MAX_MESSAGE_BYTES) throw tooLongToSend(data.length);
    else await send(data);
  }
  throw new ConnectError('the method ended without its end', Code.Internal);
}

function call(
  handler: UniversalHandler,
  log: Logger,
  request: Request,
  contentType: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
) {
  const header = headersOf(request.metadata);
  for (const name of [...header.keys()]) if (OWNED.test(name)) header.delete(name);
  header.set('content-type', contentType);
  const timeoutMs = timeoutMsOf(request);
  if (timeoutMs !== undefined) header.set('connect-timeout-ms', String(timeoutMs));
  return handler({
    httpVersion: '2.0',
    method: 'POST',
    url: `http://localhost${handler.requestPath}`,
    ...{ header, body, signal },
    contextValues: callValues(log),
  });
}

async function* enveloped(messages: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const message of messages) yield encodeEnvelope(0, message);
}

/** Headers by which the in-memory protocol would be led astray. */
const OWNED = /^(?:content-|accept-encoding$|connect-)/;
