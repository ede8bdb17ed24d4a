import { type ContentStore, readBlob } from '@stowage/content';
import type { CallOptions, Descriptor, Labels } from '@stowage/core';
import { MAX_MANIFEST_BYTES } from './documents.ts';
import { allSettled, Pool } from './pool.ts';
import type { OnProgress } from './progress.ts';
import { type PushedPart, type PushPlan, planPush } from './push-plan.ts';
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
  readonly part?: PushedPart | undefined;
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
  const plan = await planPush(content, target, part, { signal });
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const stoppable = { ...options, signal: either };
  const pool = new Pool(concurrency);
  const sending = [...plan.blobs.values()].map((blob) =>
    pool.run(() => {
      either.throwIfAborted();
      return pushBlob(stoppable, blob);
    }),
  );
  await allSettled(sending, () => stop.abort());
  for (const document of plan.documents.values()) await pushDocument(options, plan, document);
  const { mediaType, digest, size } = plan.root;
  return { descriptor: plan.root === target ? target : { mediaType, digest, size }, leftOut: plan.leftOut };
}

async function pushBlob(options: PushImageOptions, blob: Descriptor): Promise<void> {
  const { pusher, content, name, mountFrom = () => [], onProgress, signal } = options;
  const { digest, size } = blob;
  const { labels } = await content.info(digest, { signal });
  const pushed = await pusher.pushBlob(
    repositoryOf(name),
    blob,
    (offset, reading) => content.read(digest, { offset }, reading),
    {
      mountFrom: mountFrom(labels),
      onProgress: (bytes) => onProgress?.({ stage: 'push', descriptor: blob, state: 'running', bytes }),
      signal,
    },
  );
  const state = pushed === 'sent' ? 'done' : pushed;
  onProgress?.({ stage: 'push', descriptor: blob, state, bytes: size });
}

async function pushDocument(
  { pusher, content, name, onProgress, signal }: PushImageOptions,
  { root, rootBytes }: PushPlan,
  document: Descriptor,
): Promise<void> {
  const { mediaType, digest, size } = document;
  const isRoot = digest === root.digest;
  const bytes =
    (isRoot ? rootBytes : undefined) ??
    (await readBlob(content, document, { maxBytes: MAX_MANIFEST_BYTES, signal }));
  const as = isRoot ? name : `${repositoryOf(name)}@${digest}`;
  const { state } = await pusher.pushManifest(as, { mediaType, bytes }, { signal });
  onProgress?.({
    stage: 'push',
    descriptor: document,
    state: state === 'sent' ? 'done' : state,
    bytes: size,
  });
}

/** Without tag and digest. */
function repositoryOf(name: string): string {
  const [path = ''] = name.split('@', 1);
  return path.replace(/:[^/:]*$/, '');
}
