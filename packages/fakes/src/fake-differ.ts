import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { type ContentStore, writeBlob } from '@stowage/content';
import { type Descriptor, Digester, Fault, LABEL, MEDIA_TYPE, quote } from '@stowage/core';
import type { Differ } from '@stowage/diff';

/** Two blocks of zeros: what an archive of nothing is. */
const EMPTY = new Uint8Array(1024);

/**
 * A differ that mounts nothing. It reads layers whole and tells what they are uncompressed, as those do that unpack them;
 * and as snapshots in memory have no files, what changed between two of them is nothing: an empty layer.
 */
export function fakeDiffer(content: ContentStore): Differ {
  return {
    async apply(layer, _mounts, { onProgress, signal } = {}) {
      signal?.throwIfAborted();
      const digester = new Digester();
      const inflate = inflating(layer);
      let read = 0n;
      async function* bytes() {
        for await (const chunk of content.read(layer.digest, {}, { signal })) {
          read += BigInt(chunk.length);
          onProgress?.(read);
          yield chunk;
        }
      }
      // The layer's absence is its own failure, and no broken stream's.
      await content.info(layer.digest, { signal });
      const source = Readable.from(bytes());
      const sink = async (from: AsyncIterable<Uint8Array>) => {
        for await (const chunk of from) digester.update(chunk);
      };
      try {
        if (inflate === undefined) await pipeline(source, sink, { ...(signal && { signal }) });
        else await pipeline(source, inflate, sink, { ...(signal && { signal }) });
      } catch (e) {
        signal?.throwIfAborted();
        if (Fault.is(e)) throw e;
        throw new Fault('invalid_argument', `apply ${layer.digest}: it is no whole ${layer.mediaType}`, {
          cause: e,
        });
      }
      return { mediaType: MEDIA_TYPE.ociLayer, digest: digester.digest(), size: digester.sizeBytes };
    },
    async diff(_lower, _upper, { mediaType = MEDIA_TYPE.ociLayerGzip, ref, labels = {}, signal } = {}) {
      signal?.throwIfAborted();
      const compress = deflating(mediaType);
      const bytes = compress === undefined ? EMPTY : await all(compress, EMPTY);
      const digest = new Digester().update(bytes).digest();
      const uncompressed = new Digester().update(EMPTY).digest();
      const layer = { mediaType, digest, size: BigInt(bytes.length) };
      await writeBlob(content, ref ?? `fake-diff-${digest}`, bytes, layer, {
        labels: { ...labels, [LABEL.uncompressed]: uncompressed },
        signal,
      });
      return layer;
    },
  };
}

function inflating({ mediaType }: Descriptor): Transform | undefined {
  if (!/layer|rootfs/.test(mediaType))
    throw new Fault('unimplemented', `apply ${quote(mediaType)}: that is no layer`);
  if (/gzip$/.test(mediaType)) return createGunzip();
  if (/zstd$/.test(mediaType)) return createZstdDecompress();
  return undefined;
}

function deflating(mediaType: string): Transform | undefined {
  if (mediaType === MEDIA_TYPE.ociLayer) return undefined;
  if (mediaType === MEDIA_TYPE.ociLayerGzip) return createGzip();
  if (/\.layer\..*\+zstd$/.test(mediaType)) return createZstdCompress();
  throw new Fault('unimplemented', `diff: ${quote(mediaType)} is not made here`);
}

async function all(through: Transform, bytes: Uint8Array): Promise<Uint8Array> {
  through.end(bytes);
  return Buffer.concat(await Array.fromAsync(through as AsyncIterable<Buffer>));
}
