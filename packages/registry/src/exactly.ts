import { Fault } from '@stowage/core';

/**
 * The first so many bytes of a stream.
 *
 * @param onSent - told after each piece how many there were.
 * @throws Fault `failed_precondition` if it ends earlier.
 */
export async function* exactly(
  subject: string,
  bytes: AsyncIterable<Uint8Array>,
  length: bigint,
  onSent: (bytes: bigint) => void,
): AsyncGenerator<Uint8Array> {
  let sent = 0n;
  for await (const chunk of bytes) {
    const room = length - sent;
    const part = BigInt(chunk.byteLength) > room ? chunk.subarray(0, Number(room)) : chunk;
    sent += BigInt(part.byteLength);
    if (part.byteLength > 0) yield part;
    onSent(sent);
    if (sent === length) return;
  }
  throw new Fault('failed_precondition', `${subject}: there are only ${sent} bytes to send of ${length}`);
}
