import { type ContentStore, readBlob } from '@stowage/content';
import type { CallOptions, Descriptor, Gate, Labels } from '@stowage/core';
import { MAX_MANIFEST_BYTES } from './documents.ts';
import type { Walked } from './image-walk.ts';
import { allSettled } from './pool.ts';
import type { OnProgress } from './progress.ts';
import type { Pusher } from './pusher.ts';

/** What is sent, all of it being in the store. */
export interface Sendable extends Walked {
  /** What gets the name. */
  readonly root: Descriptor;
  /** Of the root, where it is an index that was written anew; it is in no store. */
  readonly rootBytes?: Uint8Array | undefined;
}

export interface SendOptions extends CallOptions {
  readonly pusher: Pusher;
  readonly content: Pick<ContentStore, 'info' | 'read'>;
  /** What the root gets: `host/repository:tag`, or `host/repository@digest`. */
  readonly name: string;
  /** Where blobs wait until they may be sent. */
  readonly places: Gate;
  /** Repositories of the same registry that may have a blob, by the blob's labels. */
  readonly mountFrom?: ((labels: Labels) => readonly string[]) | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Sends blobs, several at a time, and after them the documents in their order. If one blob fails, the others are given up;
 * it is over when all have ended.
 *
 * @throws whatever the store and the pusher throw.
 */
export async function sendImage(what: Sendable, options: SendOptions): Promise<void> {
  const { places, signal } = options;
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const stoppable = { ...options, signal: either };
  const sending = [...what.blobs.values()].map(async (blob) => {
    using _place = await places.enter(either);
    await pushBlob(stoppable, blob);
  });
  await allSettled(sending, () => stop.abort());
  for (const document of what.documents.values()) await pushDocument(options, what, document);
}

async function pushBlob(options: SendOptions, blob: Descriptor): Promise<void> {
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
  { pusher, content, name, onProgress, signal }: SendOptions,
  { root, rootBytes }: Sendable,
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
