import type { ContentStore } from '@stowage/content';
import { type Descriptor, Fault, type Platform, platformRank } from '@stowage/core';
import { holdImages } from '@stowage/leases';
import { ImageWalk, type Sendable, sendImage } from '@stowage/oci-image';
import { parseReference, sourceRepositories } from '@stowage/registry';
import type { RegistryImage, StoredImage } from '../objects.ts';
import type { Work } from './parts.ts';
import { registryOf } from './registries.ts';
import type { Steps } from './steps.ts';

/**
 * Of the platforms that are named, manifests and layers go; the index goes as it is, whatever else it points at.
 *
 * @see containerd core/transfer/local/push.go, core/remotes/handlers.go PushContent
 */
export async function push(work: Work, from: StoredImage, to: RegistryImage, steps: Steps): Promise<void> {
  const { parts, scope, signal } = work;
  const { name, target } = await parts.images(scope).get(from.name, { signal });
  await using _held = await holdImages(parts.leases(scope), [{ target }], { signal });
  const content = parts.content(scope);
  const label = `OCI Registry (${to.reference})`;
  steps.say(`Pushing to ${label}`);
  steps.image('pushing content', name, target);
  const what = await walk(content, target, from.platforms ?? [], steps, signal);
  await using registry = registryOf(parts, to);
  const { host } = parseReference(to.reference);
  await sendImage(what, {
    pusher: registry,
    content,
    name: to.reference,
    places: parts.uploads,
    mountFrom: (labels) => sourceRepositories(labels, host),
    onProgress: steps.pushed,
    signal,
  });
  steps.image('pushed content', name, target);
  steps.say(`Completed push to ${label}`);
}

async function walk(
  content: ContentStore,
  root: Descriptor,
  platforms: readonly Platform[],
  steps: Steps,
  signal: AbortSignal | undefined,
): Promise<Sendable> {
  const onChildren = (parent: Descriptor, children: readonly Descriptor[]) => {
    steps.blob('waiting', parent, 0n);
    steps.children(parent, children);
  };
  const walk = new ImageWalk(content, root, {
    wants: (child) => suits(child, platforms),
    onChildren,
    signal,
  });
  try {
    await walk.add(root);
  } catch (cause) {
    if (!Fault.is(cause, 'not_found')) throw cause;
    const advice = 'perhaps the image was pulled for some platforms only; name these';
    throw new Fault('not_found', `${cause.message}; ${advice}`, { cause });
  }
  for (const blob of walk.walked.blobs.values()) steps.blob('waiting', blob, 0n);
  return { ...walk.walked, root };
}

function suits({ platform }: Descriptor, platforms: readonly Platform[]): boolean {
  if (platforms.length === 0 || platform === undefined) return true;
  return platforms.some((wanted) => platformRank(wanted, platform) !== undefined);
}
