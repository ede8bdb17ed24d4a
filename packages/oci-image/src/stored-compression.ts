import type { ContentStore } from '@stowage/content';
import type { CallOptions, Descriptor } from '@stowage/core';
import { type Compression, compressionOf, MAGIC_BYTES } from '@stowage/diff/compression';

/** How a blob is compressed, whatever its media type says. */
export async function storedCompression(
  content: Pick<ContentStore, 'read'>,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  options: CallOptions,
): Promise<Compression> {
  const parts: Uint8Array[] = [];
  if (size > 0n) {
    for await (const chunk of content.read(digest, { length: BigInt(MAGIC_BYTES) }, options))
      parts.push(chunk);
  }
  return compressionOf(Buffer.concat(parts));
}
