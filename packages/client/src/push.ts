import { type CallOptions, type Descriptor, parsePlatform } from '@stowage/core';
import { holdImages } from '@stowage/leases';
import { type OnProgress, pushImage } from '@stowage/oci-image';
import { openRegistryAs, type RegistryAccess } from './registry-access.ts';
import type { Services } from './services.ts';

export interface PushOptions extends CallOptions, RegistryAccess {
  /**
   * Which of the image's platforms go. Default: `available`, those that are whole in the store, as after a pull for one;
   * `all` of a reference by digest.
   */
  readonly platforms?: readonly string[] | 'all' | 'available' | undefined;
  /** Most blobs that are sent at a time. Default: 3. */
  readonly concurrency?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface PushedImage {
  readonly name: string;
  /** What the name stands for at the registry now: the image's target, unless something was left out. */
  readonly descriptor: Descriptor;
  /** Manifests that the image's index points at and that did not go. */
  readonly leftOut: readonly Descriptor[];
}

export async function push(services: Services, name: string, options: PushOptions): Promise<PushedImage> {
  const { platforms = name.includes('@') ? 'all' : 'available', concurrency, onProgress, signal } = options;
  const part =
    typeof platforms === 'string' ? platforms : platforms.map((platform) => parsePlatform(platform));
  const { content, images, leases } = services;
  const { target } = await images.get(name, { signal });
  const { parseReference, sourceRepositories } = await import('@stowage/registry');
  const { host } = parseReference(name);
  await using _held = await holdImages(leases, [{ target }], { signal });
  await using registry = await openRegistryAs(options);
  const pushed = await pushImage({
    pusher: registry,
    content,
    name,
    target,
    part,
    mountFrom: (labels) => sourceRepositories(labels, host),
    concurrency,
    onProgress,
    signal,
  });
  return { name, ...pushed };
}
