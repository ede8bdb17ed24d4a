import { type CallOptions, Fault } from '@stowage/core';
import type { Image } from '@stowage/images';
import {
  checkImage,
  type ImageUsage,
  imageUsage,
  type ManifestCheck,
  type PruneOptions,
  pruneImages,
} from '@stowage/oci-image';
import { type Snapshotter, snapshotterSlot } from '@stowage/snapshots';
import type { Services } from './services.ts';

export interface LookOptions extends CallOptions {
  /** Snapshotters to look into. Default: all that the daemon has. */
  readonly snapshotters?: readonly string[] | undefined;
}

export interface PruneImagesOptions extends Omit<PruneOptions, 'images' | 'containers' | 'which'> {
  /** See {@link PruneOptions}. Default: `dangling`. */
  readonly which?: PruneOptions['which'] | undefined;
}

export async function* check(
  services: Services,
  name: string,
  options: LookOptions,
): AsyncGenerator<ManifestCheck> {
  const { signal } = options;
  const { target } = await services.images.get(name, { signal });
  const snapshotters = await snapshottersOf(services, options);
  yield* checkImage(services.content, target, { snapshotters, signal });
}

export async function* usage(services: Services, options: LookOptions): AsyncGenerator<ImageUsage<Image>> {
  const { signal } = options;
  const snapshotters = await snapshottersOf(services, options);
  yield* imageUsage(services.content, services.images.list([], { signal }), { snapshotters, signal });
}

export function prune(
  { images, containers }: Services,
  { which = 'dangling', signal, ...options }: PruneImagesOptions,
): AsyncIterable<Image> {
  return pruneImages({
    ...options,
    images,
    containers: () => containers.list([], { signal }),
    which,
    signal,
  });
}

/** @throws Fault `not_found` for one that the daemon does not have. */
async function snapshottersOf(
  services: Services,
  { snapshotters, signal }: LookOptions,
): Promise<ReadonlyMap<string, Snapshotter>> {
  const plugins = await services.introspection.plugins([`type==${snapshotterSlot.type}`], { signal });
  const there = plugins.filter(({ state }) => state === 'ok').map(({ id }) => id);
  for (const name of snapshotters ?? [])
    if (!there.includes(name))
      throw new Fault('not_found', `snapshotter ${name}: the daemon does not have it`);
  return new Map((snapshotters ?? there).map((name) => [name, services.snapshotter(name)]));
}
