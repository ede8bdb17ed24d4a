import { type CallOptions, Fault, quote } from '@stowage/core';
import type { Stream } from '../stream.ts';
import { Credit } from './credit.ts';
import { MAX_DATA_BYTES, packData } from './messages.ts';

/**
 * Sends bytes as the receiver grants them, and closes. If they break off, so does the stream, and the receiver is told.
 *
 * @returns once all of them are taken from here.
 * @throws Fault `unavailable` if the receiver closes before it has all; `failed_precondition` for grants that make no
 *   sense; `invalid_argument` for messages that are no grants; what the stream or `bytes` failed with.
 * @see containerd core/transfer/streaming/writer.go
 */
export async function sendBytes(
  stream: Stream,
  bytes: AsyncIterable<Uint8Array>,
  { signal }: CallOptions = {},
): Promise<void> {
  using credit = new Credit(stream);
  try {
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.byteLength; ) {
        const most = Math.min(MAX_DATA_BYTES, chunk.byteLength - at);
        const length = await credit.spend(most, signal);
        await stream.send(packData(chunk.subarray(at, at + length)), { signal });
        at += length;
      }
    }
    await stream.close({ signal });
  } catch (e) {
    const subject = `stream ${quote(stream.id)}`;
    stream.abort(Fault.is(e) ? e : new Fault('aborted', `${subject}: its sender broke off`, { cause: e }));
    throw e;
  }
}
