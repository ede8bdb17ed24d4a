import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ResponseSchema } from '@stowage/api/ttrpc';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { headersOf, metadataOf } from './metadata.ts';

export interface Answer {
  readonly payload: Uint8Array;
  readonly header: Headers;
}

/** A response that brings a message, and headers that are its method's own; or says that it is too long to bring. */
export function encodeResponse(payload: Uint8Array, header?: Headers): Uint8Array {
  const metadata = header === undefined ? [] : metadataOf(header).filter(({ key }) => key !== 'content-type');
  const bytes = toBinary(ResponseSchema, create(ResponseSchema, { status: { code: 0 }, payload, metadata }));
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes;
  const message = `response of ${bytes.length} bytes is larger than ttrpc carries (${MAX_MESSAGE_BYTES})`;
  return encodeStatus(Code.ResourceExhausted, message);
}

/** A response that is an error. Its message is cut, lest it be too long to send. */
export function encodeStatus(code: Code, message: string): Uint8Array {
  const status = { code, message: message.slice(0, 16 * 1024) };
  return toBinary(ResponseSchema, create(ResponseSchema, { status }));
}

/**
 * The message of a response that came, and its headers.
 *
 * @throws ConnectError of its status; `internal` if it is no response, `resource_exhausted` if it was passed over.
 */
export function decodeResponse(data: Uint8Array | undefined): Answer {
  if (data === undefined) throw tooLongToRead();
  const { status, payload, metadata } = parsed(data);
  if (status === undefined || status.code === 0) return { payload, header: headersOf(metadata) };
  throw new ConnectError(status.message, status.code in Code ? status.code : Code.Unknown);
}

export function tooLongToRead(): ConnectError {
  return new ConnectError('the response is larger than ttrpc carries', Code.ResourceExhausted);
}

export function tooLongToSend(bytes: number): ConnectError {
  const message = `message of ${bytes} bytes is larger than ttrpc carries (${MAX_MESSAGE_BYTES})`;
  return new ConnectError(message, Code.ResourceExhausted);
}

function parsed(bytes: Uint8Array) {
  try {
    return fromBinary(ResponseSchema, bytes);
  } catch (e) {
    throw new ConnectError('the response is not one of ttrpc', Code.Internal, undefined, undefined, e);
  }
}
