import type { BlobInfo, ByteRange, ContentStore } from '@stowage/content';
import { type CallOptions, Fault } from '@stowage/core';
import { damageOf, dataLoss, MISSING, wrongSize } from './damage.ts';

/**
 * Reads a blob that a record names. Of a whole one the backend says if its bytes are wrong; of a part, its size is
 * looked at before.
 *
 * @throws Fault `data_loss` where the record can't be answered for.
 */
export async function* readRecorded(
  backend: ContentStore,
  blob: BlobInfo,
  range: ByteRange,
  options: CallOptions,
): AsyncGenerator<Uint8Array> {
  const { digest, sizeBytes } = blob;
  const { offset = 0n, length = 0n } = range;
  const whole = offset === 0n && (length === 0n || length >= sizeBytes);
  if (!whole) {
    const damage = await damageOf(backend, blob, options);
    if (damage !== undefined) throw dataLoss(digest, damage);
    yield* backend.read(digest, range, options);
    return;
  }
  let read = 0n;
  try {
    for await (const chunk of backend.read(digest, {}, options)) {
      read += BigInt(chunk.byteLength);
      yield chunk;
    }
  } catch (e) {
    throw Fault.is(e, 'not_found') ? dataLoss(digest, MISSING, e) : e;
  }
  if (read !== sizeBytes) throw dataLoss(digest, wrongSize(read, sizeBytes));
}
