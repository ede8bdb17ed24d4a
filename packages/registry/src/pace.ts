import { Fault } from '@stowage/core';

const LEAST_BYTES = 1024;

/**
 * Passes on what comes as long as it comes at a pace. A server that sends a byte before each silence gets too long would
 * hold a connection for years. Only the waiting counts, not what the reader does in between.
 *
 * @throws Fault `unavailable` if less than a kilobyte came in `windowMs` of waiting.
 */
export async function* atLeast(
  subject: string,
  body: AsyncIterable<Uint8Array>,
  windowMs: number,
): AsyncGenerator<Uint8Array> {
  let [waitedMs, bytes] = [0, 0];
  let began = performance.now();
  for await (const chunk of body) {
    waitedMs += performance.now() - began;
    bytes += chunk.byteLength;
    if (bytes >= LEAST_BYTES) {
      [waitedMs, bytes] = [0, 0];
    } else if (waitedMs > windowMs) {
      const seconds = Math.round(waitedMs / 1000);
      throw new Fault('unavailable', `${subject}: only ${bytes} bytes came in ${seconds} s`);
    }
    yield chunk;
    began = performance.now();
  }
}
