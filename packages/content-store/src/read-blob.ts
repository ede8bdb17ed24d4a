import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '@stowage/content';
import { type CallOptions, type Digest, Fault } from '@stowage/core';
import type { BlobFiles } from './blob-files.ts';
import { damageAfterAll, isUnreadable, untilVerified } from './damage.ts';
import { readFileBytes } from './file-bytes.ts';
import { SMALL_BLOB_BYTES } from './small-blobs.ts';
import { storageFault } from './storage-fault.ts';

/**
 * Reads a range of a blob. One that is the whole blob is verified on the way: its last chunk comes only if all of them
 * hash to the digest; otherwise the blob is marked as damaged. A part can't be verified. Of bytes that the disk can't
 * read, the whole is read once more to see whether it is damaged.
 *
 * @throws Fault `not_found`; `data_loss`; `out_of_range` if the offset is past the end; `unavailable` if the disk could
 *   not read it, but can now.
 */
export async function* readBlobFile(
  files: BlobFiles,
  digest: Digest,
  { offset = 0n, length }: ByteRange,
  { chunkBytes, signal }: CallOptions & { readonly chunkBytes: number },
): AsyncGenerator<Uint8Array> {
  if (offset < 0n || (length !== undefined && length < 0n)) {
    throw new Fault('invalid_argument', `read ${digest}: offset and length must not be negative`);
  }
  const known = files.small.get(digest);
  if (known !== undefined) {
    const { start, end } = clip(digest, BigInt(known.byteLength), offset, length);
    // A copy: what a reader does to its bytes is nobody else's business.
    if (end > start) yield known.slice(Number(start), Number(end));
    return;
  }
  if (offset > 0n || length !== undefined) {
    await using part = await files.openForParts(digest, signal);
    const { sizeBytes } = part.info;
    const { start, end } = clip(digest, sizeBytes, offset, length);
    if (end - start < sizeBytes) {
      try {
        for (let at = Number(start); at < Number(end); ) {
          signal?.throwIfAborted();
          const bytes = await part.ahead.read(at, Math.min(chunkBytes, Number(end) - at));
          if (bytes.byteLength === 0) return;
          at += bytes.byteLength;
          yield bytes;
        }
      } catch (e) {
        if (isUnreadable(e)) throw await unreadFault(files, part.handle, digest, { signal });
        throw storageFault(e, `read ${digest}`);
      }
      return;
    }
  }
  yield* readWhole(files, digest, { chunkBytes, signal });
}

async function* readWhole(
  files: BlobFiles,
  digest: Digest,
  { chunkBytes, signal }: CallOptions & { readonly chunkBytes: number },
): AsyncGenerator<Uint8Array> {
  const { forgotten } = files.small;
  const handle = await files.open(digest, signal);
  try {
    const { size } = await handle.stat({ bigint: true });
    const chunks = readFileBytes(handle, { length: size, chunkBytes, signal });
    const verified = untilVerified(digest, chunks, {
      onDamage: (reason) => files.mark(handle, 'read', digest, reason),
      onUnreadable: () => unreadFault(files, handle, digest, { signal }),
    });
    for await (const chunk of verified) {
      const all = BigInt(chunk.byteLength) === size && size <= SMALL_BLOB_BYTES;
      if (all) files.small.set(digest, Uint8Array.from(chunk), forgotten);
      yield chunk;
    }
  } catch (e) {
    throw storageFault(e, `read ${digest}`);
  } finally {
    await handle.close();
  }
}

async function unreadFault(
  files: BlobFiles,
  handle: FileHandle,
  digest: Digest,
  options: CallOptions,
): Promise<Fault> {
  const reason = await damageAfterAll(handle, digest, options);
  if (reason !== undefined) return files.mark(handle, 'read', digest, reason);
  return new Fault(
    'unavailable',
    `read ${digest}: the disk failed to (EIO), and did not a moment later; try again`,
  );
}

/** @throws Fault `out_of_range` if the offset is past the end. */
function clip(
  digest: Digest,
  size: bigint,
  offset: bigint,
  length: bigint | undefined,
): { start: bigint; end: bigint } {
  if (offset > size) {
    throw new Fault('out_of_range', `read ${digest} from ${offset}: it has ${size} bytes`);
  }
  const left = size - offset;
  const clipped = length === undefined || length === 0n || length > left ? left : length;
  return { start: offset, end: offset + clipped };
}
