import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { type Request, ResponseHeadersSchema, ResponseSchema } from '@stowage/api/ttrpc';
import type { Logger } from '@stowage/core';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { headersOf, metadataOf } from './metadata.ts';

export interface Answer {
  readonly payload: Uint8Array;
  readonly header: Headers;
}

/** A response that brings a message, and headers that are its method's own; or says that it is too long to bring. */
export function encodeResponse(payload: Uint8Array, header?: Headers): Uint8Array {
  const response = toBinary(ResponseSchema, create(ResponseSchema, { status: { code: 0 }, payload }));
  const bytes = header === undefined ? response : Buffer.concat([response, encodeHeaders(header)]);
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes;
  const message = `response of ${bytes.length} bytes is larger than ttrpc carries (${MAX_MESSAGE_BYTES})`;
  return encodeStatus(Code.ResourceExhausted, message);
}

/** A response that is an error. Its message is cut, lest it be too long to send. */
export function encodeStatus(code: Code, message: string): Uint8Array {
  const status = { code, message: message.slice(0, 16 * 1024) };
  return toBinary(ResponseSchema, create(ResponseSchema, { status }));
}

/** A response that tells what a call failed with. What is no status is a bug: it is logged, and the client told no more. */
export function encodeFailure(e: unknown, { service, method }: Request, log: Logger): Uint8Array {
  if (e instanceof ConnectError) return encodeStatus(e.code, e.rawMessage);
  log.error({ err: e, service, method }, 'answering an RPC failed');
  return encodeStatus(Code.Internal, 'internal error');
}

/**
 * The message of a response that came, and its headers.
 *
 * @throws ConnectError of its status; `internal` if it is no response, `resource_exhausted` if it was passed over.
 */
export function decodeResponse(data: Uint8Array | undefined): Answer {
  if (data === undefined) throw tooLongToRead();
  const { status, payload } = parsed(ResponseSchema, data);
  if (status === undefined || status.code === 0) {
    const { metadata } = parsed(ResponseHeadersSchema, data);
    return { payload, header: headersOf(metadata) };
  }
  throw new ConnectError(status.message, status.code in Code ? status.code : Code.Unknown);
}

export function tooLongToRead(): ConnectError {
  return new ConnectError('the response is larger than ttrpc carries', Code.ResourceExhausted);
}

export function tooLongToSend(bytes: number): ConnectError {
  const message = `message of ${bytes} bytes is larger than ttrpc carries (${MAX_MESSAGE_BYTES})`;
  return new ConnectError(message, Code.ResourceExhausted);
}

/** Follows a response, which may have any field that is not its own. */
function encodeHeaders(header: Headers): Uint8Array {
  const metadata = metadataOf(header).filter(({ key }) => key !== 'content-type');
  return toBinary(ResponseHeadersSchema, create(ResponseHeadersSchema, { metadata }));
}

function parsed<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (e) {
    throw new ConnectError('the response is not one of ttrpc', Code.Internal, undefined, undefined, e);
  }
}
