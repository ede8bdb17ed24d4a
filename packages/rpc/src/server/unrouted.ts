import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { createAsyncIterable, encodeEnvelope } from '@connectrpc/connect/protocol';
import { endStreamFlag, endStreamToJson, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';

/** The answer `unimplemented` in the protocol that the request was made in. */
export function unrouted(contentType: string, message: string): UniversalServerResponse {
  const error = new ConnectError(message, Code.Unimplemented);
  if (contentType.startsWith('application/grpc')) {
    const status = { 'grpc-status': String(error.code), 'grpc-message': encodeURIComponent(message) };
    return { status: 200, header: new Headers({ 'content-type': contentType, ...status }) };
  }
  if (contentType.startsWith('application/connect+')) {
    const data = new TextEncoder().encode(JSON.stringify(endStreamToJson(new Headers(), error, undefined)));
    const body = createAsyncIterable([encodeEnvelope(endStreamFlag, data)]);
    return { status: 200, header: new Headers({ 'content-type': contentType }), body };
  }
  const body = createAsyncIterable([errorToJsonBytes(error, undefined)]);
  return { status: 501, header: new Headers({ 'content-type': 'application/json' }), body };
}
