import type { ServerHttp2Stream } from 'node:http2';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { envelopeDecompress, transformSplitEnvelope } from '@connectrpc/connect/protocol';
import { goneError } from '../server/messages.ts';
import type { DirectMethod } from './direct-methods.ts';
import { HEAD_BYTES } from './envelope.ts';

type Message = MessageShape<DescMessage>;

/**
 * Reads the one message of a request. What nearly all clients send, one chunk that is one message, is told by its
 * length; anything else goes to Connect's parts, for its bounds and its errors.
 *
 * @throws ConnectError for a request that is not one message of at most `maxMessageBytes`, and what `parse` throws.
 * @throws an error of {@link goneError} if the client goes before it has sent all.
 */
export function readRequest(stream: ServerHttp2Stream, method: DirectMethod): Promise<Message> {
  const done = Promise.withResolvers<Message>();
  let whole: Buffer | undefined;
  const take = (chunk: Buffer) => {
    if (whole === undefined && isWhole(chunk, method.maxMessageBytes)) whole = chunk;
    else inParts(whole === undefined ? [chunk] : [whole, chunk]);
  };
  const end = () => {
    if (whole === undefined) return inParts([]);
    stop();
    try {
      done.resolve(method.parse(whole.subarray(HEAD_BYTES)));
    } catch (e) {
      done.reject(e);
    }
  };
  const gone = () => done.reject(goneError());
  const stop = () => {
    stream.off('data', take);
    stream.off('end', end);
    stream.off('close', gone);
  };
  const inParts = (first: readonly Buffer[]) => {
    stop();
    stream.pause();
    readParts(bytesOf(first, stream), method).then(done.resolve, done.reject);
  };
  stream.on('data', take);
  stream.on('end', end);
  stream.on('close', gone);
  return done.promise;
}

/** Whether this is a message in its envelope, not compressed, and nothing else. */
function isWhole(chunk: Buffer, maxBytes: number): boolean {
  if (chunk.length < HEAD_BYTES || chunk[0] !== 0) return false;
  const length = chunk.readUInt32BE(1);
  return length <= maxBytes && chunk.length === HEAD_BYTES + length;
}

async function readParts(
  bytes: AsyncIterable<Uint8Array>,
  { kind, maxMessageBytes, parse }: DirectMethod,
): Promise<Message> {
  const one = `${kind.replace('_', '-')} method`;
  const envelopes = transformSplitEnvelope(maxMessageBytes)(bytes)[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await envelopes.next();
    return done === true ? undefined : parse((await envelopeDecompress(value, null, maxMessageBytes)).data);
  };
  const message = await next();
  if (message === undefined) throw protocolError(`missing input message for ${one}`);
  if ((await next()) !== undefined) throw protocolError(`received extra input message for ${one}`);
  return message;
}

function protocolError(what: string): ConnectError {
  return new ConnectError(`protocol error: ${what}`, Code.Unimplemented);
}

async function* bytesOf(first: readonly Buffer[], stream: ServerHttp2Stream): AsyncGenerator<Uint8Array> {
  yield* first;
  // Leaving early must not destroy the request: its response is yet to be sent.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
}
