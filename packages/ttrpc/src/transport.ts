import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues, type Transport } from '@connectrpc/connect';
import { createMethodSerializationLookup, runUnaryCall } from '@connectrpc/connect/protocol';
import { RequestSchema, type Response, ResponseSchema } from '@stowage/api/ttrpc';
import type { ClosableTransport } from '@stowage/rpc/transport';
import { socketPath } from '@stowage/rpc/unix-socket';
import { ClientConnection } from './client-connection.ts';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { metadataOf } from './metadata.ts';

export interface TtrpcTransportOptions {
  /** Of the socket, or `unix://` and that. */
  readonly path: string;
}

/**
 * Speaks ttrpc to a unix socket: what containerd and its shims use between them. Connects at the first call, and
 * anew at the first call after the connection was lost. An idle connection does not keep the process alive.
 *
 * The protocol can't cancel: a call that is given up fails here at once, and its method runs on over there, until
 * its deadline if it has one. Streams are not built yet and fail with `unimplemented`.
 */
export function ttrpcTransport(options: TtrpcTransportOptions): ClosableTransport {
  const path = socketPath(options.path);
  let connection: ClientConnection | undefined;
  let closed = false;
  const connected = () => {
    if (closed) throw new ConnectError(`the transport to ${path} is closed`, Code.Canceled);
    if (connection === undefined || connection.isClosed) connection = new ClientConnection(path);
    return connection;
  };
  const limits = { readMaxBytes: MAX_MESSAGE_BYTES, writeMaxBytes: MAX_MESSAGE_BYTES, compressMinBytes: 0 };

  const unary: Transport['unary'] = (method, signal, timeoutMs, header, message, contextValues) =>
    runUnaryCall({
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      req: {
        stream: false,
        service: method.parent,
        requestMethod: 'POST',
        method,
        url: `ttrpc://localhost/${method.parent.typeName}/${method.name}`,
        header: new Headers(header),
        contextValues: contextValues ?? createContextValues(),
        message,
      },
      async next(request) {
        const codec = createMethodSerializationLookup(method, undefined, undefined, limits);
        const bytes = toBinary(
          RequestSchema,
          create(RequestSchema, {
            service: method.parent.typeName,
            method: method.name,
            payload: codec.getI(true).serialize(request.message),
            timeoutNano: timeoutMs === undefined ? 0n : BigInt(Math.max(1, Math.round(timeoutMs * 1e6))),
            metadata: metadataOf(request.header),
          }),
        );
        if (bytes.length > MAX_MESSAGE_BYTES) throw tooLong(bytes.length);
        const response = parsed(await connected().call(bytes, request.signal));
        const { status } = response;
        if (status !== undefined && status.code !== 0)
          throw new ConnectError(status.message, codeOf(status.code));
        return {
          stream: false,
          service: method.parent,
          method,
          header: new Headers(),
          trailer: new Headers(),
          message: codec.getO(true).parse(response.payload),
        };
      },
    });

  return {
    unary,
    async stream(method) {
      const name = `${method.parent.typeName}.${method.name}`;
      throw new ConnectError(`${name}: streams over ttrpc are not implemented`, Code.Unimplemented);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      connection?.close(new ConnectError(`the transport to ${path} was closed`, Code.Canceled));
    },
  };
}

function parsed(bytes: Uint8Array): Response {
  try {
    return fromBinary(ResponseSchema, bytes);
  } catch (e) {
    throw new ConnectError('the response is not one of ttrpc', Code.Internal, undefined, undefined, e);
  }
}

function tooLong(bytes: number): ConnectError {
  const message = `message of ${bytes} bytes is larger than ttrpc carries (${MAX_MESSAGE_BYTES})`;
  return new ConnectError(message, Code.ResourceExhausted);
}

function codeOf(code: number): Code {
  return code in Code ? code : Code.Unknown;
}
