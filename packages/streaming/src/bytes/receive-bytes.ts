import { type CallOptions, Fault, quote } from '@stowage/core';
import type { Stream } from '../stream.ts';
import { dataOf, packGrant, WINDOW_BYTES } from './messages.ts';

/**
 * The bytes that the other end sends, until it closes. More are granted only as these are taken, so at most 64 KiB wait.
 * Leaving the loop early aborts the stream, as a failure does.
 *
 * @throws Fault `failed_precondition` if more came than were granted; `invalid_argument` for messages that are no data;
 *   what the stream broke off with: then what came is not the whole.
 * @see containerd core/transfer/streaming/stream.go ReceiveStream
 */
export async function* receiveBytes(
  stream: Stream,
  { signal }: CallOptions = {},
): AsyncGenerator<Uint8Array> {
  let failure = new Fault('canceled', `stream ${quote(stream.id)}: its receiver wants no more`);
  let isWhole = false;
  try {
    let credit = 0;
    let taken = WINDOW_BYTES;
    for (;;) {
      if (taken >= WINDOW_BYTES / 2) {
        await stream.send(packGrant(taken), { signal });
        credit += taken;
        taken = 0;
      }
      const message = await stream.receive({ signal });
      if (message === undefined) break;
      const data = dataOf(message);
      if (data.byteLength > credit) {
        const what = `${data.byteLength} bytes came, and ${credit} were granted`;
        throw new Fault('failed_precondition', `stream ${quote(stream.id)}: ${what}`);
      }
      credit -= data.byteLength;
      if (data.byteLength > 0) yield data;
      taken += data.byteLength;
    }
    isWhole = true;
  } catch (e) {
    if (Fault.is(e)) failure = e;
    throw e;
  } finally {
    if (!isWhole) stream.abort(failure);
  }
}
