import type { DescMessage, DescMethod, DescMethodStreaming, DescMethodUnary } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues, type Transport } from '@connectrpc/connect';
import {
  createMethodSerializationLookup,
  runStreamingCall,
  runUnaryCall,
} from '@connectrpc/connect/protocol';
import { RequestSchema } from '@stowage/api/ttrpc';
import type { ClosableTransport } from '@stowage/rpc/transport';
import { socketPath } from '@stowage/rpc/unix-socket';
import { streamingCall, unaryCall } from './client-calls.ts';
import { ClientConnection } from './client-connection.ts';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { metadataOf } from './metadata.ts';
import { tooLongToSend } from './response.ts';

export interface TtrpcTransportOptions {
  /** Of the socket, or `unix://` and that. */
  readonly path: string;
  /**
   * Tells the server when a unary call is given up, which the protocol has no word for: it is the end of a stream that
   * the call never was. For servers of this package; what others make of it is theirs. Default false.
   */
  readonly canCancel?: boolean | undefined;
}

const limits = { readMaxBytes: MAX_MESSAGE_BYTES, writeMaxBytes: MAX_MESSAGE_BYTES, compressMinBytes: 0 };

/**
 * Speaks ttrpc to a unix socket: what containerd and its shims use between them. Connects at the first call, and
 * anew at the first call after the connection was lost. An idle connection does not keep the process alive.
 *
 * The protocol can't cancel. A unary call that is given up fails here at once, and its method runs on over there,
 * until its deadline if it has one. A stream that is given up ends over there with its connection: that takes no
 * further calls, and is closed when those on it are done.
 *
 * Nor has it a window. Of a stream that is not read a mebibyte is kept, then the connection is not read, and all other
 * calls on it wait: give a stream that may rest a transport of its own.
 */
export function ttrpcTransport(options: TtrpcTransportOptions): ClosableTransport {
  const path = socketPath(options.path);
  const { canCancel = false } = options;
  let connection: ClientConnection | undefined;
  /** Retired ones that still have calls. */
  let earlier: readonly ClientConnection[] = [];
  let closed = false;
  const codecOf = codecs();
  const connected = () => {
    if (closed) throw new ConnectError(`the transport to ${path} is closed`, Code.Canceled);
    if (connection !== undefined && !connection.isClosed) return connection;
    earlier = [...earlier, ...(connection === undefined ? [] : [connection])].filter(({ isGone }) => !isGone);
    connection = new ClientConnection(path);
    return connection;
  };

  const unary: Transport['unary'] = (method, signal, timeoutMs, header, message, contextValues) =>
    runUnaryCall({
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      req: { stream: false, message, ...requestOf(method, header, contextValues) },
      async next(request) {
        const codec = codecOf(method);
        const bytes = encodeRequest(request, codec.getI(true).serialize(request.message), timeoutMs);
        const call = { connection: connected(), request: bytes, canCancel, signal: request.signal };
        const { payload, header } = await unaryCall(call);
        const message = codec.getO(true).parse(payload);
        return { stream: false, message, ...responseOf(method, header) };
      },
    });

  const stream: Transport['stream'] = (method, signal, timeoutMs, header, input, contextValues) =>
    runStreamingCall({
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      req: { stream: true, message: input, ...requestOf(method, header, contextValues) },
      async next(request) {
        const codec = codecOf(method);
        const messages = mapped(request.message, codec.getI(true).serialize);
        const isOne = method.methodKind === 'server_streaming';
        const payload = isOne ? (await messages.next()).value : undefined;
        const answers = await streamingCall({
          connection: connected(),
          request: encodeRequest(request, payload, timeoutMs),
          input: isOne ? undefined : messages,
          oneAnswer: method.methodKind === 'client_streaming',
          signal: request.signal,
        });
        return { stream: true, message: mapped(answers, codec.getO(true).parse), ...responseOf(method) };
      },
    });

  return {
    unary,
    stream,
    async [Symbol.asyncDispose]() {
      closed = true;
      const reason = new ConnectError(`the transport to ${path} was closed`, Code.Canceled);
      for (const one of [...earlier, connection]) one?.close(reason);
    },
  };
}

/** A codec takes longer to make than to use. */
function codecs() {
  const known = new WeakMap<DescMethod, unknown>();
  return <I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O> | DescMethodUnary<I, O>,
  ) => {
    const made = () => createMethodSerializationLookup<I, O>(method, undefined, undefined, limits);
    const codec = (known.get(method) as ReturnType<typeof made> | undefined) ?? made();
    known.set(method, codec);
    return codec;
  };
}

function requestOf<M extends DescMethod>(
  method: M,
  header: ConstructorParameters<typeof Headers>[0],
  contextValues = createContextValues(),
) {
  return {
    service: method.parent,
    requestMethod: 'POST',
    method,
    url: `ttrpc://localhost/${method.parent.typeName}/${method.name}`,
    header: new Headers(header),
    contextValues,
  };
}

function responseOf<M extends DescMethod>(method: M, header = new Headers()) {
  return { service: method.parent, method, header, trailer: new Headers() };
}

function encodeRequest(
  { method, header }: { readonly method: DescMethod; readonly header: Headers },
  payload: Uint8Array | undefined,
  timeoutMs: number | undefined,
): Uint8Array {
  const bytes = toBinary(
    RequestSchema,
    create(RequestSchema, {
      service: method.parent.typeName,
      method: method.name,
      ...(payload && { payload }),
      timeoutNano: timeoutMs === undefined ? 0n : BigInt(Math.max(1, Math.round(timeoutMs * 1e6))),
      metadata: metadataOf(header),
    }),
  );
  if (bytes.length > MAX_MESSAGE_BYTES) throw tooLongToSend(bytes.length);
  return bytes;
}

async function* mapped<A, B>(items: AsyncIterable<A>, change: (item: A) => B): AsyncGenerator<B, undefined> {
  for await (const item of items) yield change(item);
}
