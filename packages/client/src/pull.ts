import { type CallOptions, hostPlatform, parsePlatform } from '@stowage/core';
import { recordImage } from '@stowage/images';
import { type BlobDownloads, fetchImage, type OnProgress, pullImage } from '@stowage/oci-image';
import { DEFAULT_SNAPSHOTTER, ImageHandle } from './image.ts';
import { layersAtATime } from './layers-at-a-time.ts';
import { openRegistryAs, type RegistryAccess } from './registry-access.ts';
import type { Services } from './services.ts';

export interface PullOptions extends CallOptions, RegistryAccess {
  /** Makes snapshots too. */
  readonly unpack?: boolean | undefined;
  readonly snapshotter?: string | undefined;
  /** Layers unpacked at a time, if the snapshotter has the capability `rebase`; else it is one. Default 1. */
  readonly unpackConcurrency?: number | undefined;
  /** `os/architecture[/variant]`: what the handle shows and is unpacked. Default: the client's own. */
  readonly platform?: string | undefined;
  /** Others whose layers are brought as well, without being unpacked. Default: none. */
  readonly platforms?: readonly string[] | 'all' | undefined;
  /**
   * Whether to bring the manifests and configs of all other platforms too, without their layers. Default: `chosen`, no.
   */
  readonly metadata?: 'chosen' | 'all' | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * @param leased - holds what comes until the image does.
 * @param downloads - what else comes to the same daemon and namespace.
 */
export async function pull(
  services: Services,
  leased: Services,
  reference: string,
  options: PullOptions & { readonly onPhase?: ((name: string) => void) | undefined },
  downloads: BlobDownloads,
): Promise<ImageHandle> {
  const { snapshotter: snapshotterName = DEFAULT_SNAPSHOTTER, metadata, onProgress, signal } = options;
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  options.onPhase?.('resolve');
  await using registry = await openRegistryAs(options);
  const { name, descriptor } = await registry.resolve(reference, { signal });
  const { content, differ } = leased;
  const source = { fetcher: registry, content, name, descriptor, metadata, downloads, onProgress, signal };
  if (options.unpack) {
    const snapshotter = leased.snapshotter(snapshotterName);
    const concurrency = await layersAtATime(services, snapshotterName, options.unpackConcurrency, { signal });
    await pullImage({ ...source, platform, unpack: { snapshotterName, snapshotter, differ, concurrency } });
  } else if (options.platforms !== 'all') {
    await fetchImage({ ...source, platforms: [platform] });
  }
  const others = options.platforms === 'all' ? 'all' : options.platforms?.map((one) => parsePlatform(one));
  if (others !== undefined) await fetchImage({ ...source, platforms: others });
  options.onPhase?.('commit');
  await recordImage(services.images, name, descriptor, { signal });
  return new ImageHandle(services, { name, target: descriptor }, platform);
}
