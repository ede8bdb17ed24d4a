import { type CallOptions, type Descriptor, Fault, hostPlatform, parsePlatform } from '@stowage/core';
import { fetchImage, type OnProgress, pullImage } from '@stowage/oci-image';
import { DEFAULT_SNAPSHOTTER, ImageHandle } from './image.ts';
import { layersAtATime } from './layers-at-a-time.ts';
import type { Services } from './services.ts';

export interface PullOptions extends CallOptions {
  /** Makes snapshots too. */
  readonly unpack?: boolean | undefined;
  readonly snapshotter?: string | undefined;
  /** Layers unpacked at a time, if the snapshotter has the capability `rebase`; else it is one. Default 1. */
  readonly unpackConcurrency?: number | undefined;
  /** `os/architecture[/variant]`. Default: the client's own. */
  readonly platform?: string | undefined;
  /** Speaks HTTP to the registry. Default: to loopback only. */
  readonly plainHttp?: boolean | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** @param leased - holds what comes until the image does. */
export async function pull(
  services: Services,
  leased: Services,
  reference: string,
  options: PullOptions,
): Promise<ImageHandle> {
  const { snapshotter: snapshotterName = DEFAULT_SNAPSHOTTER, plainHttp, onProgress, signal } = options;
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  // Half of all that this package loads, for this one function.
  const { openRegistry } = await import('@stowage/registry');
  await using registry = openRegistry({ plainHttp });
  const { name, descriptor } = await registry.resolve(reference, { signal });
  const { content, differ } = leased;
  const source = { fetcher: registry, content, name, descriptor, onProgress, signal };
  if (options.unpack) {
    const snapshotter = leased.snapshotter(snapshotterName);
    const concurrency = await layersAtATime(services, snapshotterName, options.unpackConcurrency, { signal });
    await pullImage({ ...source, platform, unpack: { snapshotterName, snapshotter, differ, concurrency } });
  } else {
    await fetchImage({ ...source, platforms: [platform] });
  }
  await recordImage(services, name, descriptor, { signal });
  return new ImageHandle(services, { name, target: descriptor }, platform);
}

/** Gives a name to what is there; an image of that name is moved. */
export async function recordImage(
  { images }: Services,
  name: string,
  target: Descriptor,
  options?: CallOptions,
): Promise<void> {
  try {
    await images.create({ name, target, labels: {} }, options);
  } catch (e) {
    if (!Fault.is(e, 'already_exists')) throw e;
    await images.update({ name, target, labels: {} }, ['target'], options);
  }
}
