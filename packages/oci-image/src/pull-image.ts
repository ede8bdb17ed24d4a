import { hostPlatform, type Platform } from '@stowage/core';
import { chooseManifest } from './choose.ts';
import { type FetchedImage, type FetchImageOptions, LayerFetches } from './fetch-image.ts';
import { fetchMetadata } from './fetch-metadata.ts';
import { type UnpackedImage, type UnpackOptions, unpackImage } from './unpack.ts';

export interface PullOptions extends Omit<FetchImageOptions, 'platforms'> {
  /** Default: this host's. */
  readonly platform?: Platform | undefined;
  readonly unpack: Pick<UnpackOptions, 'snapshotter' | 'snapshotterName' | 'differ' | 'concurrency' | 'log'>;
}

export interface PulledImage extends FetchedImage {
  readonly unpacked: UnpackedImage;
}

/**
 * Brings an image for one platform and unpacks it: a layer is unpacked while later ones are still coming, and layers
 * whose snapshots are there are not transferred. See {@link fetchImage} and {@link unpackImage}.
 */
export async function pullImage(options: PullOptions): Promise<PulledImage> {
  const { content, descriptor, platform = hostPlatform(), concurrency, onProgress, signal, unpack } = options;
  const manifests = await fetchMetadata(options, descriptor, [platform]);
  const { manifest } = await chooseManifest(content, descriptor, platform, { signal });
  using fetches = new LayerFetches(options, concurrency);
  const ready = async (layer: (typeof manifest.layers)[number], index: number) => {
    // The first that is needed brings all behind it along; those before it have their snapshots.
    for (const later of manifest.layers.slice(index)) void fetches.fetch(later).catch(() => undefined);
    await fetches.fetch(layer);
  };
  try {
    const unpacked = await unpackImage({ ...unpack, content, manifest, ready, onProgress, signal });
    return { manifests, unpacked };
  } finally {
    await fetches.drain();
  }
}
