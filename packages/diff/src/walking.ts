import type { ContentStore } from '@stowage/content';
import { type Descriptor, Fault, MEDIA_TYPE, type Mount } from '@stowage/core';
import type { CompressionLevels } from './compress.ts';
import { type ApplyOptions, type Differ, NEEDS_BELOW } from './differ.ts';
import { makeLayer } from './make-layer.ts';
import type { PackLayers } from './packer.ts';
import { plainLayer, type StreamProcessor } from './stream-processors.ts';
import type { UnpackLayers } from './unpacker.ts';

export { ProcessPacker } from './apart/process-packer.ts';
export { ProcessUnpacker } from './apart/process-unpacker.ts';
export type { CompressionLevels } from './compress.ts';
export { findGunzip } from './inflate-process.ts';
export { Packer, type PackerOptions, type PackLayers } from './packer.ts';
export type { StreamProcessor } from './stream-processors.ts';
export { Unpacker, type UnpackerOptions, type UnpackLayers } from './unpacker.ts';

export interface WalkingDifferOptions {
  /** Path of a program to inflate gzip with, from {@link findGunzip}. Small layers are not worth its start. */
  readonly gunzip?: string | undefined;
  /** Programs for layers of other media types. None by default. */
  readonly processors?: readonly StreamProcessor[] | undefined;
  /** Makes layers. `diff` is `unimplemented` without. */
  readonly packer?: PackLayers | undefined;
  readonly levels?: CompressionLevels | undefined;
}

const WORTH_A_PROCESS_BYTES = 1n << 20n;

/**
 * The differ for layers that are tar archives, compressed with gzip or zstd or not at all; the bytes tell which, since
 * media types are known to be wrong about it. What else a layer may be, such as encrypted, is up to `processors`.
 */
export function walkingDiffer(
  content: Pick<ContentStore, 'read' | 'writer' | 'abort' | 'info' | 'update'>,
  unpacker: UnpackLayers,
  { gunzip, processors = [], packer, levels = {} }: WalkingDifferOptions = {},
): Differ {
  return {
    async apply(
      layer: Descriptor,
      mounts: readonly Mount[],
      options: ApplyOptions = {},
    ): Promise<Descriptor> {
      const { syncFs, signal, onProgress, payloads } = options;
      const inflater = layer.size >= WORTH_A_PROCESS_BYTES ? gunzip : undefined;
      const plain = plainLayer(layer, { processors, payloads, gunzip: inflater });
      const read = (stop: AbortSignal) =>
        plain(counted(content.read(layer.digest, {}, { signal: stop }), onProgress), stop);
      const { digest, sizeBytes, needsBelow } = await unpacker.unpack(mounts, read, { syncFs, signal });
      const annotations = needsBelow ? { annotations: { [NEEDS_BELOW]: 'true' } } : {};
      return { mediaType: MEDIA_TYPE.ociLayer, digest, size: sizeBytes, ...annotations };
    },
    async diff(lower, upper, options = {}) {
      if (packer === undefined) throw new Fault('unimplemented', 'diff: layers are only unpacked here');
      return makeLayer({ content, packer, levels }, lower, upper, options);
    },
  };
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onProgress: ApplyOptions['onProgress'],
): AsyncGenerator<Uint8Array> {
  let bytes = 0n;
  for await (const chunk of source) {
    bytes += BigInt(chunk.byteLength);
    onProgress?.(bytes);
    yield chunk;
  }
}
