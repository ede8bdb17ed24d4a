import { type CallOptions, Fault, hostPlatform, unlessGone } from '@stowage/core';
import { recordImage } from '@stowage/images';
import { type CommitImageOptions, commitImage } from '@stowage/oci-image';
import { ImageHandle } from './image.ts';
import { diffIdOf, type PackedChanges, packChanges } from './pack-changes.ts';
import type { Services } from './services.ts';

export interface CommitOptions extends Pick<CommitImageOptions, 'author' | 'comment' | 'change' | 'signal'> {
  /** Whether its processes are held meanwhile. Default true. */
  readonly pause?: boolean | undefined;
}

/**
 * Makes an image of a container: that it was made from, with what it changed on top.
 *
 * @throws Fault `not_found` if that image is gone; `failed_precondition` as {@link packChanges}.
 */
export async function commitContainer(
  services: Services,
  id: string,
  name: string,
  { pause = true, ...options }: CommitOptions,
): Promise<ImageHandle> {
  const { signal } = options;
  const { image } = await services.containers.get(id, { signal });
  const base = await unlessGone(services.images.get(image, { signal }));
  if (base === undefined)
    throw new Fault('not_found', `image ${image}: commit ${id}: it was made from this, which is gone`);
  await using packed = await packHeld(services, id, pause, options);
  const { layer, services: leased } = packed;
  const target = await commitImage(leased.content, base.target, {
    ...options,
    ...{ layer, platform: hostPlatform(), created: new Date() },
    diffId: await diffIdOf(leased.content, layer, { signal }),
  });
  await recordImage(services.images, name, target, { signal });
  return new ImageHandle(services, { name, target });
}

async function packHeld(
  services: Services,
  id: string,
  pause: boolean,
  options: CallOptions,
): Promise<PackedChanges> {
  await using _held = pause ? await held(services, id, options) : undefined;
  return await packChanges(services, id, options);
}

/** Holds the processes of a container, if it runs, until disposed. */
async function held(services: Services, id: string, options: CallOptions): Promise<AsyncDisposable> {
  const task = await unlessGone(services.tasks.get({ containerId: id }, options));
  if (task?.status !== 'running') return { async [Symbol.asyncDispose]() {} };
  await services.tasks.pause(id, options);
  return {
    async [Symbol.asyncDispose]() {
      await unlessGone(services.tasks.resume(id));
    },
  };
}
