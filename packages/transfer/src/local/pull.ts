import type { Descriptor, Gate } from '@stowage/core';
import {
  type BlobSource,
  type ChosenManifest,
  chooseManifest,
  type Fetcher,
  fetchMetadata,
  kindOf,
  LayerFetches,
  unpackImage,
} from '@stowage/oci-image';
import type { RegistryImage, StoredImage } from '../objects.ts';
import { storeImage } from './names.ts';
import { ownLease } from './own-lease.ts';
import type { Work } from './parts.ts';
import { registryOf } from './registries.ts';
import type { Steps } from './steps.ts';
import { type Unpacking, unpackingsOf } from './unpack-targets.ts';

/** Layers of one image that are begun at a time, where no limit is set: each is an open file. */
const MAX_OPEN = 32;

/** @see containerd core/transfer/local/pull.go */
export async function pull(work: Work, from: RegistryImage, to: StoredImage, steps: Steps): Promise<void> {
  const { parts, bringing, signal } = work;
  await using lease = await ownLease(work);
  const { scope } = lease;
  const unpackings = unpackingsOf(parts, scope, to);
  const label = `OCI Registry (${from.reference})`;
  steps.say(`Resolving from ${label}`);
  await using registry = registryOf(parts, from);
  const { name, descriptor } = await registry.resolve(from.reference, { signal });
  steps.say(`Pulling from ${label}`);
  steps.image('fetching image content', name, descriptor);
  const source: BlobSource = {
    fetcher: limited(registry, parts.downloads),
    content: parts.content(scope),
    name,
    onProgress: steps.fetched,
    onChildren: steps.children,
    downloads: bringing.into(scope.namespace),
    signal,
  };
  const { platforms = [], allMetadata, manifestLimit } = to;
  const manifests = await fetchMetadata(source, descriptor, platforms.length === 0 ? 'all' : platforms, {
    metadata: allMetadata ? 'all' : 'chosen',
    manifestLimit,
  });
  for (const { manifest } of manifests) for (const layer of manifest.layers) steps.blob('waiting', layer, 0n);
  const atATime = parts.limits.maxDownloads || MAX_OPEN;
  await layersOf(source, descriptor, manifests, unpackings, atATime);
  await storeImage(parts.images(scope), to, descriptor, steps, { signal });
  steps.say(`Completed pull from ${label}`);
}

/** Layers of what is unpacked are brought as unpacking needs them, and not at all where their snapshots are there. */
async function layersOf(
  source: BlobSource,
  root: Descriptor,
  manifests: readonly ChosenManifest[],
  unpackings: readonly Unpacking[],
  atATime: number,
): Promise<void> {
  const { content, signal } = source;
  using fetches = new LayerFetches(source, atATime);
  const unpacked = new Set<string>();
  const all: Array<Promise<void>> = [];
  for (const unpacking of unpackings) {
    const chosen = await chooseManifest(content, root, unpacking.platform, { signal });
    if (kindOf(chosen.manifest.config.mediaType) !== 'config') continue;
    unpacked.add(chosen.descriptor.digest);
    all.push(unpack(source, chosen, unpacking, fetches));
  }
  for (const { descriptor, manifest } of manifests) {
    if (!unpacked.has(descriptor.digest)) all.push(...manifest.layers.map((layer) => fetches.fetch(layer)));
  }
  try {
    await Promise.all(all);
  } finally {
    await fetches.drain();
    await Promise.allSettled(all);
  }
}

async function unpack(
  { content, onProgress, signal }: BlobSource,
  { manifest }: ChosenManifest,
  { to }: Unpacking,
  fetches: LayerFetches,
): Promise<void> {
  const ready = async (layer: Descriptor, index: number) => {
    for (const later of manifest.layers.slice(index)) void fetches.fetch(later).catch(() => undefined);
    await fetches.fetch(layer);
  };
  await unpackImage({ ...to, content, manifest, ready, onProgress, signal });
}

/** A place is held while bytes come, and not while somebody else brings the same. */
function limited(fetcher: Fetcher, places: Gate): Fetcher {
  return {
    async *fetch(name, descriptor, options = {}) {
      using _place = await places.enter(options.signal);
      yield* fetcher.fetch(name, descriptor, options);
    },
  };
}
