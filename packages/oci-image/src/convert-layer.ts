import type { ContentStore } from '@stowage/content';
import { type Descriptor, type Digest, Digester, Fault, LABEL } from '@stowage/core';
import { type Compression, compressed, inflated } from '@stowage/diff/compression';
import { ingest } from './ingest.ts';
import { addLabels } from './label.ts';
import { chunksOf } from './pieces.ts';
import type { OnProgress } from './progress.ts';
import { storedCompression } from './stored-compression.ts';

export interface LayerConversion {
  readonly content: ConversionStore;
  readonly compression: Compression;
  /** 0 to 9 of gzip, 1 to 22 of zstd. */
  readonly level?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal: AbortSignal;
}

export type ConversionStore = Pick<ContentStore, 'info' | 'read' | 'writer' | 'abort' | 'update'>;

/** What is compressed at a time, always the same, so that the same archive always comes out the same. */
const PIECE_BYTES = 256 * 1024;

/**
 * Compresses a layer otherwise, into a new blob that says what its archive is.
 *
 * @returns none if it is compressed so already.
 * @throws Fault `failed_precondition` if its archive is not the one that the image's config names; nothing is kept then.
 */
export async function convertLayer(
  layer: Descriptor,
  diffId: Digest,
  conversion: LayerConversion,
): Promise<Pick<Descriptor, 'digest' | 'size'> | undefined> {
  const { content, compression, level, onProgress, signal } = conversion;
  const { digest } = layer;
  if ((await storedCompression(content, layer, { signal })) === compression) {
    onProgress?.({ stage: 'convert', descriptor: layer, state: 'exists', bytes: layer.size });
    return undefined;
  }
  let bytes = 0n;
  const read = tap(content.read(digest, {}, { signal }), (chunk) => {
    bytes += BigInt(chunk.byteLength);
    onProgress?.({ stage: 'convert', descriptor: layer, state: 'running', bytes });
  });
  const archive = new Digester();
  const plain = tap(inflated(read, signal), (chunk) => archive.update(chunk));
  const checked = expecting(plain, () => {
    const found = archive.digest();
    if (found !== diffId)
      throw new Fault(
        'failed_precondition',
        `convert ${digest}: it holds ${found}, its config says ${diffId}`,
      );
  });
  const levels = level === undefined ? {} : { [compression]: level };
  const packed = compressed(chunksOf(checked, PIECE_BYTES), compression, levels, signal);
  const made = await ingest(content, packed, { signal });
  await addLabels(content, made.digest, { [LABEL.uncompressed]: diffId }, { signal });
  onProgress?.({ stage: 'convert', descriptor: layer, state: 'done', bytes: layer.size });
  return made;
}

/** Ends only if what came is what was expected: before the end is written, so that no wrong blob is made. */
async function* expecting(chunks: AsyncIterable<Uint8Array>, check: () => void): AsyncGenerator<Uint8Array> {
  yield* chunks;
  check();
}

async function* tap(
  chunks: AsyncIterable<Uint8Array>,
  see: (chunk: Uint8Array) => unknown,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}
