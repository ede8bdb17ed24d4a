import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a transform makes of a source. It ends with whoever reads. @throws the signal's reason if aborted. */
export async function* throughTransform(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const piped = pipeline(source, transform, { signal });
  piped.catch(() => {});
  try {
    for await (const chunk of transform) yield chunk as Uint8Array;
    await piped;
  } catch (e) {
    signal.throwIfAborted();
    throw e;
  } finally {
    transform.destroy();
  }
}
