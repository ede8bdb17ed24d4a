import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { MEDIA_TYPE } from '@stowage/core';
import type { Compression } from './inflate.ts';
import { throughTransform } from './through-transform.ts';

/** How hard to compress; undefined is the library's own choice (6 and 3). */
export interface CompressionLevels {
  /** 0 to 9. */
  readonly gzip?: number | undefined;
  /** 1 to 22. */
  readonly zstd?: number | undefined;
}

/** Media types of the layers that are made here. */
const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([
  [MEDIA_TYPE.ociLayer, 'none'],
  [MEDIA_TYPE.ociLayerGzip, 'gzip'],
  [MEDIA_TYPE.ociLayerZstd, 'zstd'],
]);

export const compressionFor = (mediaType: string): Compression | undefined => COMPRESSIONS.get(mediaType);

/** What libuv's pool compresses at a time. */
const CHUNK_BYTES = 256 * 1024;

/** The same bytes in the same pieces come out the same: there is no name and no time in them, and one thread each. */
export async function* compressed(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  levels: CompressionLevels,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const transform = compressor(compression, levels);
  yield* transform === undefined ? source : throughTransform(source, transform, signal);
}

function compressor(compression: Compression, { gzip, zstd }: CompressionLevels): Transform | undefined {
  if (compression === 'none') return undefined;
  if (compression === 'gzip') {
    return createGzip({ chunkSize: CHUNK_BYTES, level: gzip ?? constants.Z_DEFAULT_COMPRESSION });
  }
  const level = zstd ?? constants.ZSTD_CLEVEL_DEFAULT;
  return createZstdCompress({
    chunkSize: CHUNK_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}
