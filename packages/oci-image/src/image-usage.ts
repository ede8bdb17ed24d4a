import { type CallOptions, type Descriptor, type Digest, unlessGone } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { chainIds } from './chain-ids.ts';
import { checkImage } from './check-image.ts';
import { kindOf } from './media-types.ts';
import { type ContentReader, readConfig, readIndex } from './read.ts';
import { Visits } from './visits.ts';

/** What an image takes of one store. */
export interface Share {
  readonly sizeBytes: bigint;
  /** As much of it as other images hold too. */
  readonly sharedBytes: bigint;
}

export interface ImageUsage<Image extends UsedImage = UsedImage> {
  readonly image: Image;
  /** Of the blobs that are here. */
  readonly content: Share;
  /** Of the snapshots of its layers, by the snapshotter; those of containers do not count. */
  readonly snapshots: ReadonlyMap<string, Share>;
}

export interface UsedImage {
  readonly target: Descriptor;
}

export interface UsageOptions extends CallOptions {
  readonly snapshotters?: ReadonlyMap<string, Pick<Snapshotter, 'usage'>> | undefined;
}

/**
 * Tells what each of some images takes, and how much of that it shares with others of them: two names of one image share
 * all. What is shared is right if they are all the images of a namespace; then removing one frees what it does not share, as
 * far as nothing else holds it, see `freedBy` of `@stowage/gc`.
 *
 * Looks at every blob of every image once, and keeps their digests.
 *
 * @throws Fault `invalid_argument` for documents that are malformed; `resource_exhausted` for too many.
 * @see containerd core/images/usage/calculator.go
 */
export async function* imageUsage<Image extends UsedImage>(
  content: ContentReader,
  images: Iterable<Image> | AsyncIterable<Image>,
  { snapshotters = new Map(), signal }: UsageOptions = {},
): AsyncGenerator<ImageUsage<Image>> {
  const all: Image[] = [];
  for await (const image of images) all.push(image);
  const footprints = new Map<Digest, Footprint>();
  for (const { target } of all) {
    if (!footprints.has(target.digest))
      footprints.set(target.digest, await footprintOf(content, target, snapshotters, { signal }));
  }
  const holders = new Map<string, number>();
  const partsOf = ({ target }: Image) => footprints.get(target.digest) ?? new Map<string, Part>();
  for (const image of all)
    for (const key of partsOf(image).keys()) holders.set(key, (holders.get(key) ?? 0) + 1);
  for (const image of all) {
    const snapshots = new Map([...snapshotters.keys()].map((name) => [name, new Sum()]));
    const blobs = new Sum();
    for (const [key, { store, sizeBytes }] of partsOf(image)) {
      const sum = store === undefined ? blobs : snapshots.get(store);
      sum?.add(sizeBytes, (holders.get(key) ?? 0) > 1);
    }
    yield { image, content: blobs, snapshots };
  }
}

/** What there is of an image, by a name that no two parts have. */
type Footprint = ReadonlyMap<string, Part>;

interface Part {
  /** A snapshotter, or the content store. */
  readonly store: string | undefined;
  readonly sizeBytes: bigint;
}

class Sum implements Share {
  sizeBytes = 0n;
  sharedBytes = 0n;

  add(sizeBytes: bigint, isShared: boolean): void {
    this.sizeBytes += sizeBytes;
    if (isShared) this.sharedBytes += sizeBytes;
  }
}

async function footprintOf(
  content: ContentReader,
  target: Descriptor,
  snapshotters: ReadonlyMap<string, Pick<Snapshotter, 'usage'>>,
  options: CallOptions,
): Promise<Footprint> {
  const parts = new Map<string, Part>();
  const blob = async ({ digest }: Descriptor) => {
    const info = await unlessGone(content.info(digest, options));
    if (info !== undefined) parts.set(digest, { store: undefined, sizeBytes: info.sizeBytes });
    return info !== undefined;
  };
  for (const index of await indexesOf(content, target, options)) await blob(index);
  for await (const { present } of checkImage(content, target, options)) {
    for (const descriptor of present) {
      const isHere = await blob(descriptor);
      if (!isHere || kindOf(descriptor.mediaType) !== 'config') continue;
      const { diffIds } = await readConfig(content, descriptor, options);
      for (const chainId of chainIds(diffIds)) {
        for (const [store, snapshotter] of snapshotters) {
          const key = `${store} ${chainId}`;
          const usage = parts.has(key) ? undefined : await unlessGone(snapshotter.usage(chainId, options));
          if (usage !== undefined) parts.set(key, { store, sizeBytes: usage.sizeBytes });
        }
      }
    }
  }
  return parts;
}

async function indexesOf(
  content: ContentReader,
  target: Descriptor,
  options: CallOptions,
): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  const visits = new Visits(target);
  for (let next = visits.next(); next !== undefined; next = visits.next()) {
    if (kindOf(next.mediaType) !== 'index') continue;
    const index = await unlessGone(readIndex(content, next, options));
    if (index === undefined) continue;
    found.push(next);
    visits.add(index.manifests);
  }
  return found;
}
