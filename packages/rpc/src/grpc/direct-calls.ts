import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { compressionNegotiate } from '@connectrpc/connect/protocol';
import { parseTimeout } from '@connectrpc/connect/protocol-grpc';
import type { Logger } from '@stowage/core';
import type { Admit } from '../admission.ts';
import { type BegunCall, type CallObserver, within } from '../call-observer.ts';
import { callValues } from '../dispatch.ts';
import { gzip } from '../gzip.ts';
import type { OpenCalls } from '../open-calls.ts';
import { told } from '../routes.ts';
import { isGoneError } from '../server/messages.ts';
import { stopStream } from '../server/unread.ts';
import { DirectContext } from './direct-context.ts';
import type { DirectMethod, DirectMethods } from './direct-methods.ts';
import { Reply } from './reply.ts';
import { readRequest } from './request.ts';
import { sendAll } from './send-all.ts';

export interface DirectCallsOptions {
  readonly methods: DirectMethods;
  readonly log: Logger;
  readonly calls: OpenCalls;
  readonly observer?: CallObserver | undefined;
  readonly admit?: Admit | undefined;
}

/** Answers a call if it is one that it can answer. @returns whether it is. */
export type TakeCall = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/**
 * Answers gRPC calls with one request message, the bulk of what clients of containerd make, without the layers that
 * serve every protocol: with the answers that Connect would give, for a third of its work. What is out of the
 * ordinary is left to Connect: other content types, compressed requests, other kinds of methods.
 */
export function directCalls({ methods, log, calls, observer, admit }: DirectCallsOptions): TakeCall {
  return (stream, headers) => {
    const direct = methods.get(headers[':path'] ?? '');
    if (direct === undefined || !isPlainGrpc(headers)) return false;
    const { timeoutMs, error } = parseTimeout(field(headers, 'grpc-timeout'), Number.MAX_SAFE_INTEGER);
    const values = () => callValues(log);
    const context = new DirectContext({ method: direct.method, headers, timeoutMs, values });
    const reply = new Reply(stream, context, encodingOf(headers));
    const observation = observer?.begin(context);
    let answered = false;
    calls.add(context);
    stream.on('error', () => {}); // 'close' follows, and says all that matters
    stream.once('close', () => {
      calls.delete(context);
      if (!answered) context.abort(new ConnectError('the client ended the call', Code.Canceled));
    });
    const call = { stream, context, direct, reply };
    within(observation, () => answer(call, error ?? refusalOf(context, admit))).then(
      () => {
        answered = true;
        observation?.end(reply.code);
        context.end();
        stopStream(stream, true);
      },
      (e: unknown) => {
        observation?.end(isGoneError(e) ? Code.Canceled : Code.Internal);
        if (!isGoneError(e) && !stream.destroyed)
          log.error({ err: e, path: headers[':path'] }, 'answering an RPC failed');
        stream.destroy();
      },
    );
    return true;
  };
}

function refusalOf(begun: BegunCall, admit: Admit | undefined): unknown {
  try {
    admit?.(begun);
    return undefined;
  } catch (e) {
    return e;
  }
}

interface Call {
  readonly stream: ServerHttp2Stream;
  readonly context: DirectContext;
  readonly direct: DirectMethod;
  readonly reply: Reply;
}

async function answer({ stream, context, direct, reply }: Call, refusal: unknown): Promise<void> {
  const { method, kind, invoke, encode } = direct;
  const toError = (e: unknown) => told(e, { method, contextValues: context.values });
  const whole = (message: unknown) => create(method.output, message as MessageInitShape<DescMessage>);
  try {
    if (refusal !== undefined) throw toError(refusal);
    const request = await readRequest(stream, direct);
    if (kind === 'server_streaming') {
      const messages = () => iterate(invoke(request, context));
      return await sendAll({ reply, context, messages, whole, encode, toError });
    }
    let response: MessageShape<DescMessage>;
    try {
      response = whole(await invoke(request, context));
    } catch (e) {
      throw toError(e);
    }
    reply.end(encode(response));
  } catch (e) {
    if (isGoneError(e)) throw e;
    reply.end([], e);
  }
}

function iterate(messages: unknown): AsyncIterator<unknown> {
  return (messages as AsyncIterable<unknown>)[Symbol.asyncIterator]();
}

function isPlainGrpc(headers: IncomingHttpHeaders): boolean {
  const type = headers['content-type'];
  if (type !== 'application/grpc' && type !== 'application/grpc+proto') return false;
  const encoding = headers['grpc-encoding'];
  if (encoding !== undefined && encoding !== 'identity') return false;
  return headers[':method'] === 'POST' && headers.expect === undefined;
}

function field(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : String(value);
}

/** The compression that an answer could have: it is named, as by Connect, although no message is compressed. */
function encodingOf(headers: IncomingHttpHeaders): string | undefined {
  const accepted = field(headers, 'grpc-accept-encoding');
  if (accepted === null) return undefined;
  return compressionNegotiate([gzip], null, accepted, 'grpc-accept-encoding').response?.name;
}
