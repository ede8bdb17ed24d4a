import type { DescMessage } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type Compression,
  compressedFlag,
  createAsyncIterable,
  encodeEnvelope,
  envelopeDecompress,
  readAllBytes,
  transformSplitEnvelope,
  type UniversalHandler,
  type UniversalHandlerFn,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { codeToHttpStatus, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { edgeKey } from '../edge.ts';
import { toConnect } from '../fault.ts';
import { gzip } from '../gzip.ts';
import { messageFromJsonString, messageToJsonString } from '../json.ts';

type Bytes = AsyncIterable<Uint8Array>;

/**
 * Lets a handler be called in JSON of our own dialect (see json.ts), where Connect's can't write half of what
 * containerd sends. JSON becomes binary before the handler and its answer JSON after it; the protocols stay
 * Connect's. Requests that are not JSON pass through.
 */
export function withJson(handler: UniversalHandler, maxBytes: number): UniversalHandlerFn {
  const unary = handler.method.methodKind === 'unary';
  return async (request) => {
    const type = request.header.get('content-type') ?? '';
    const [, stream] = /^application\/(connect\+|grpc\+|grpc-web\+)?json *(?:;|$)/i.exec(type) ?? [];
    if (!/^application\/\S*json/i.test(type)) return handler(request);
    if (stream !== undefined) return enveloped(handler, request, stream.toLowerCase(), maxBytes);
    return unary ? plain(handler, request, maxBytes) : handler(request);
  };
}

/** Connect's unary calls: bodies are bare messages, and errors are JSON in any case. */
async function plain(handler: UniversalHandler, request: UniversalServerRequest, maxBytes: number) {
  const { input, output } = handler.method;
  const { header, compression } = binaryHeader(request, 'application/proto', 'content-encoding');
  let body: Uint8Array;
  try {
    const raw = await readAllBytes(request.body as Bytes, maxBytes);
    body = jsonToBinary(input, compression ? await compression.decompress(raw, maxBytes) : raw);
  } catch (e) {
    return failure(e);
  }
  header.set('content-length', String(body.length));
  const response = await handler({ ...request, header, body: createAsyncIterable([body]) });
  if (response.header?.get('content-type') !== 'application/proto') return response;
  const bytes = await readAllBytes(response.body as Bytes, Number.MAX_SAFE_INTEGER);
  const json = binaryToJson(output, bytes);
  const headers = new Headers(response.header);
  headers.set('content-type', 'application/json');
  headers.set('content-length', String(json.length));
  return { ...response, header: headers, body: createAsyncIterable([json]) };
}

/** Streams, and gRPC's unary calls: every message is in an envelope. */
async function enveloped(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  protocol: string,
  maxBytes: number,
): Promise<UniversalServerResponse> {
  const { input, output } = handler.method;
  const encoding = protocol === 'connect+' ? 'connect-content-encoding' : 'grpc-encoding';
  const { header, compression } = binaryHeader(request, `application/${protocol}proto`, encoding);
  const inJson = (headers: Headers | undefined) => {
    const copy = new Headers(headers);
    if (copy.get('content-type')?.endsWith('proto')) copy.set('content-type', `application/${protocol}json`);
    return copy;
  };
  const edge = request.contextValues?.get(edgeKey);
  if (edge !== undefined) {
    const flushHeaders = (headers: Headers) => edge.flushHeaders(inJson(headers));
    request.contextValues?.set(edgeKey, { ...edge, flushHeaders });
  }
  const body = messages(request.body as Bytes, compression, maxBytes, (json) => jsonToBinary(input, json));
  const response = await handler({ ...request, header, body });
  const answer =
    response.body &&
    messages(response.body, null, Number.MAX_SAFE_INTEGER, (bytes) => binaryToJson(output, bytes));
  return { ...response, header: inJson(response.header), ...(answer && { body: answer }) };
}

async function* messages(
  body: Bytes,
  compression: Compression | null,
  maxBytes: number,
  change: (data: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  for await (const envelope of transformSplitEnvelope(Math.min(maxBytes, 0xffffffff))(body)) {
    const { flags, data } = await envelopeDecompress(envelope, compression, maxBytes);
    // Any other flag marks the end of a stream, which is text already.
    yield encodeEnvelope(flags, (flags & ~compressedFlag) === 0 ? change(data) : data);
  }
}

/** The request's headers as the handler is to see them, and the compression that is undone before it. */
function binaryHeader(request: UniversalServerRequest, contentType: string, encoding: string) {
  const header = new Headers(request.header);
  header.set('content-type', contentType);
  for (const name of ['accept-encoding', 'connect-accept-encoding', 'grpc-accept-encoding']) {
    header.set(name, 'identity');
  }
  const compressed = header.get(encoding) === gzip.name;
  if (compressed) header.delete(encoding);
  return { header, compression: compressed ? gzip : null };
}

function failure(e: unknown): UniversalServerResponse {
  const known = toConnect(e);
  const error = known instanceof ConnectError ? known : new ConnectError('internal error', Code.Internal);
  const body = createAsyncIterable([errorToJsonBytes(error, undefined)]);
  const header = new Headers({ 'content-type': 'application/json' });
  return { status: codeToHttpStatus(error.code), header, body };
}

function jsonToBinary(schema: DescMessage, json: Uint8Array): Uint8Array {
  try {
    const text = json.length === 0 ? '{}' : new TextDecoder('utf-8', { fatal: true }).decode(json);
    return toBinary(schema, messageFromJsonString(schema, text));
  } catch (e) {
    throw toConnect(e);
  }
}

function binaryToJson(schema: DescMessage, bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(messageToJsonString(schema, fromBinary(schema, bytes)));
}
