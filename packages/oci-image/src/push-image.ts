import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Descriptor, Gate, type Labels } from '@stowage/core';
import { type ImagePart, planPart } from './image-part.ts';
import type { OnProgress } from './progress.ts';
import { sendImage } from './push-send.ts';
import type { Pusher } from './pusher.ts';

export interface PushImageOptions extends CallOptions {
  readonly pusher: Pusher;
  readonly content: Pick<ContentStore, 'info' | 'read'>;
  /** What it gets: `host/repository:tag`, or `host/repository@digest`. */
  readonly name: string;
  /** What is pushed. Hold it while this lasts. */
  readonly target: Descriptor;
  /**
   * Which parts of an index go; default `all`. `available` are those that are whole in the store, as after a pull for one
   * platform. If some are left out, one that is left goes in the index's place, and of several an index is made.
   */
  readonly part?: ImagePart | undefined;
  /** Repositories of the same registry that may have a blob, by the blob's labels; `sourceRepositories` of registry fits. */
  readonly mountFrom?: ((labels: Labels) => readonly string[]) | undefined;
  /** Most blobs that are sent at a time. Default: 3. */
  readonly concurrency?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface PushedImage {
  /** What the name stands for now: the image's target, unless something was left out of it. */
  readonly descriptor: Descriptor;
  readonly leftOut: readonly Descriptor[];
}

/**
 * Brings an image from a content store to a registry: configs and layers, then manifests, then indexes, so that what is
 * named is always whole. What is there already is not sent. Layers that registries need not have stay.
 *
 * If it fails half-way, nothing has the name, and the blobs that were sent whole are not sent again by the next push.
 *
 * @throws Fault `not_found` if something of it is not in the store, before anything is sent; `invalid_argument` for documents
 *   that are malformed; `resource_exhausted` for too many; whatever the pusher throws.
 */
export async function pushImage(options: PushImageOptions): Promise<PushedImage> {
  const { content, target, part = 'all', concurrency = 3, signal } = options;
  const plan = await planPart(content, target, part, { signal });
  await sendImage(plan, { ...options, places: new Gate(concurrency) });
  const { mediaType, digest, size } = plan.root;
  return { descriptor: plan.root === target ? target : { mediaType, digest, size }, leftOut: plan.leftOut };
}
