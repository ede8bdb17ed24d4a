import type { ContentStore } from '@stowage/content';
import { hostPlatform, type Platform } from '@stowage/core';
import { type FetchedImage, type FetchImageOptions, LayerFetches } from './fetch-image.ts';
import { fetchMetadata } from './fetch-metadata.ts';
import type { Fetcher, Resolved } from './fetcher.ts';
import { type UnpackedImage, type UnpackOptions, unpackImage } from './unpack.ts';

export interface PullOptions extends Omit<FetchImageOptions, 'platforms'> {
  /** Default: this host's. */
  readonly platform?: Platform | undefined;
  readonly unpack: Pick<UnpackOptions, 'snapshotter' | 'snapshotterName' | 'differ' | 'log'>;
}

export interface PulledImage extends FetchedImage {
  readonly unpacked: UnpackedImage;
}

/**
 * Brings an image for one platform and unpacks it: a layer is unpacked while later ones are still coming, and layers
 * whose snapshots are there are not transferred. See {@link fetchImage} and {@link unpackImage}.
 */
export async function pullImage(
  fetcher: Fetcher,
  content: ContentStore,
  { name, descriptor }: Resolved,
  options: PullOptions,
): Promise<PulledImage> {
  const { platform = hostPlatform(), concurrency, onProgress, signal, unpack } = options;
  const source = { fetcher, content, name, onProgress, signal };
  const manifests = await fetchMetadata(source, descriptor, [platform]);
  using fetches = new LayerFetches(source, concurrency);
  const layers = manifests.flatMap(({ manifest }) => manifest.layers);
  const ready = async (layer: (typeof layers)[number]) => {
    // The first that is needed brings all behind it along; those before it have their snapshots.
    const from = layers.findIndex(({ digest }) => digest === layer.digest);
    for (const later of layers.slice(Math.max(from, 0))) void fetches.fetch(later).catch(() => undefined);
    await fetches.fetch(layer);
  };
  try {
    const unpacked = await unpackImage({
      ...unpack,
      content,
      manifest: descriptor,
      platform,
      ready,
      onProgress,
      signal,
    });
    return { manifests, unpacked };
  } finally {
    await fetches.drain();
  }
}
