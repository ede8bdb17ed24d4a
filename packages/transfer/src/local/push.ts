import { type ContentStore, readBlob } from '@stowage/content';
import {
  type Descriptor,
  Fault,
  formatPlatform,
  type Labels,
  type Platform,
  platformRank,
} from '@stowage/core';
import { childrenOf, isForeign, kindOf } from '@stowage/oci-image';
import { parseReference, type Registry, sourceRepositories } from '@stowage/registry';
import type { RegistryImage, StoredImage } from '../objects.ts';
import { held } from './own-lease.ts';
import type { Work } from './parts.ts';
import { registryOf } from './registries.ts';
import type { Steps } from './steps.ts';

/** Documents of one image, as for pulls. */
const MAX_DOCUMENTS = 1000;
const MAX_DOCUMENT_BYTES = 4 * 1048 * 1048;

/** What is pushed: blobs in any order, then documents, each after what it points at. */
interface Plan {
  readonly blobs: ReadonlyMap<string, Descriptor>;
  readonly documents: readonly Descriptor[];
}

/** @see containerd core/transfer/local/push.go, core/remotes/handlers.go PushContent */
export async function push(work: Work, from: StoredImage, to: RegistryImage, steps: Steps): Promise<void> {
  const { parts, scope } = work;
  const stop = new AbortController();
  const signal = work.signal === undefined ? stop.signal : AbortSignal.any([work.signal, stop.signal]);
  const { name, target } = await parts.images(scope).get(from.name, { signal });
  await using _held = await held(work, [{ target }]);
  const content = parts.content(scope);
  const label = `OCI Registry (${to.reference})`;
  steps.say(`Pushing to ${label}`);
  steps.image('pushing content', name, target);
  const { blobs, documents } = await planOf(content, target, from.platforms ?? [], steps, signal);
  await using registry = registryOf(parts, to);
  const { host, repository } = parseReference(to.reference);
  const one: Push = {
    work,
    registry,
    content,
    reference: to.reference,
    at: `${host}/${repository}`,
    mountFrom: (labels) => sourceRepositories(labels, host),
    steps,
    signal,
  };
  const sending = [...blobs.values()].map((blob) => pushOne(one, blob));
  try {
    await Promise.all(sending);
  } catch (e) {
    stop.abort(e);
    await Promise.allSettled(sending);
    throw e;
  }
  for (const document of documents) await pushDocument(one, document, document === target);
  steps.image('pushed content', name, target);
  steps.say(`Completed push to ${label}`);
}

interface Push {
  readonly work: Work;
  readonly registry: Registry;
  readonly content: ContentStore;
  readonly reference: string;
  /** Without tag and digest. */
  readonly at: string;
  readonly mountFrom: (labels: Labels) => string[];
  readonly steps: Steps;
  readonly signal: AbortSignal;
}

async function pushOne(
  { work, registry, content, at, mountFrom, steps, signal }: Push,
  blob: Descriptor,
): Promise<void> {
  const { digest, size } = blob;
  using _place = await work.parts.uploads.enter(signal);
  const { labels } = await here(content.info(digest, { signal }), blob);
  const pushed = await registry.pushBlob(
    at,
    blob,
    (offset, options) => content.read(digest, { offset }, options),
    { mountFrom: mountFrom(labels), signal, onProgress: (bytes) => steps.blob('uploading', blob, bytes) },
  );
  steps.blob(pushed === 'sent' ? 'complete' : 'already exists', blob, size);
}

async function pushDocument(
  { registry, content, reference, at, steps, signal }: Push,
  document: Descriptor,
  isRoot: boolean,
): Promise<void> {
  const { mediaType, digest, size } = document;
  const bytes = await readBlob(content, document, { maxBytes: MAX_DOCUMENT_BYTES, signal });
  const name = isRoot ? reference : `${at}@${digest}`;
  const { state } = await registry.pushManifest(name, { mediaType, bytes }, { signal });
  steps.blob(state === 'sent' ? 'complete' : 'already exists', document, size);
}

async function planOf(
  content: ContentStore,
  root: Descriptor,
  platforms: readonly Platform[],
  steps: Steps,
  signal: AbortSignal,
): Promise<Plan> {
  const blobs = new Map<string, Descriptor>();
  const documents = new Map<string, Descriptor>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    const { digest, mediaType } = descriptor;
    const kind = kindOf(mediaType);
    if (kind !== 'index' && kind !== 'manifest') {
      if (!isForeign(mediaType)) blobs.set(digest, descriptor);
      return;
    }
    if (documents.has(digest)) return;
    if (depth > 8 || documents.size >= MAX_DOCUMENTS) {
      throw new Fault(
        'resource_exhausted',
        `push ${root.digest}: more than ${MAX_DOCUMENTS} documents, or 8 deep`,
      );
    }
    steps.blob('waiting', descriptor, 0n);
    const children = await here(childrenOf(content, descriptor, { signal }), descriptor);
    steps.children(descriptor, children);
    for (const child of children) {
      if (kind === 'index' && !suits(child, platforms)) continue;
      await visit(child, depth + 1);
    }
    documents.set(digest, descriptor);
  };
  await visit(root, 0);
  for (const blob of blobs.values()) steps.blob('waiting', blob, 0n);
  return { blobs, documents: [...documents.values()] };
}

/** Says what is the matter with an image that lacks something. */
async function here<T>(reading: Promise<T>, { digest, platform }: Descriptor): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    if (!Fault.is(cause, 'not_found')) throw cause;
    const what = platform === undefined ? digest : `${digest} (${formatPlatform(platform)})`;
    const advice = 'perhaps the image was pulled for some platforms only; name these';
    throw new Fault('not_found', `push ${what}: it is not in the store; ${advice}`, { cause });
  }
}

function suits({ platform }: Descriptor, platforms: readonly Platform[]): boolean {
  if (platforms.length === 0 || platform === undefined) return true;
  return platforms.some((wanted) => platformRank(wanted, platform) !== undefined);
}
