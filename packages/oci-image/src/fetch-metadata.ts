import {
  type Descriptor,
  type Digest,
  Fault,
  formatPlatform,
  type Platform,
  platformRank,
} from '@stowage/core';
import { type ChosenManifest, noManifest } from './choose.ts';
import { MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES } from './documents.ts';
import { type BlobSource, fetchBlob } from './fetch-blob.ts';
import { addLabels, childLabels } from './label.ts';
import { kindOf } from './media-types.ts';
import { childrenOf, readConfig, readManifest } from './read.ts';
import { Visits } from './visits.ts';

export interface MetadataOptions {
  /** See `FetchImageOptions`. */
  readonly metadata?: 'chosen' | 'all' | undefined;
  /** See `FetchImageOptions`; 0 is no limit. */
  readonly manifestLimit?: number | undefined;
}

/** Most indexes and manifests that are asked of a registry for one image. */
const MAX_FETCHES = 1000;

/**
 * Brings the indexes, manifests and configs of an image, with the labels that keep what they point at. Labels name all
 * children, those of other platforms too, so that these may be brought later.
 *
 * @throws Fault `not_found` if there is no manifest for any of the platforms; `invalid_argument` for what is malformed.
 */
export async function fetchMetadata(
  source: BlobSource,
  root: Descriptor,
  platforms: readonly Platform[] | 'all',
  { metadata = 'chosen', manifestLimit = 0 }: MetadataOptions = {},
): Promise<ChosenManifest[]> {
  const { content, signal } = source;
  /** Whose layers are not wanted. */
  const others = new Set<Digest>();
  const found: ChosenManifest[] = [];
  const offered: string[] = [];
  const visits = new Visits(root);
  let fetches = 0;
  for (let next = visits.next(); next !== undefined; next = visits.next()) {
    if (++fetches > MAX_FETCHES) {
      throw new Fault(
        'resource_exhausted',
        `fetch ${root.digest}: more than ${MAX_FETCHES} manifests; this is no image to be used`,
      );
    }
    bounded(next, MAX_MANIFEST_BYTES);
    const children = await fetchDocument(source, next);
    if (kindOf(next.mediaType) === 'index') {
      for (const { platform } of children) if (platform !== undefined) offered.push(formatPlatform(platform));
      const chosen = limited(select(children, platforms), manifestLimit);
      if (metadata === 'all' && manifestLimit === 0) {
        const isWanted = others.has(next.digest) ? new Set() : new Set(chosen);
        for (const child of children) if (!isWanted.has(child)) others.add(child.digest);
        visits.add(children);
      } else {
        visits.add(chosen);
      }
    } else if (kindOf(next.mediaType) === 'manifest') {
      const manifest = await readManifest(content, next, { signal });
      bounded(manifest.config, MAX_CONFIG_BYTES);
      await fetchBlob(source, manifest.config);
      if (others.has(next.digest)) continue;
      const known = next === root || next.platform !== undefined || platforms === 'all';
      const suits = known || (await configSuits(source, manifest.config, platforms, offered));
      if (suits) found.push({ descriptor: next, manifest });
    }
  }
  if (found.length === 0 && platforms !== 'all') throw noManifest(root, platforms, offered);
  return found;
}

async function fetchDocument(source: BlobSource, descriptor: Descriptor): Promise<readonly Descriptor[]> {
  const { content, signal } = source;
  await fetchBlob(source, descriptor);
  const children = await childrenOf(content, descriptor, { signal });
  await addLabels(content, descriptor.digest, childLabels(children), { signal });
  if (children.length > 0) source.onChildren?.(descriptor, children);
  return children;
}

/** For each platform the child that suits it best, and whatever does not say for which it is. */
function select(
  children: readonly Descriptor[],
  platforms: readonly Platform[] | 'all',
): Iterable<Descriptor> {
  if (platforms === 'all') return children;
  const selected = new Set<Descriptor>();
  for (const host of platforms) {
    let best: { readonly rank: number; readonly child: Descriptor } | undefined;
    for (const child of children) {
      const rank = child.platform === undefined ? undefined : platformRank(host, child.platform);
      if (rank !== undefined && (best === undefined || rank < best.rank)) best = { rank, child };
    }
    if (best !== undefined) selected.add(best.child);
  }
  for (const child of children) {
    const kind = kindOf(child.mediaType);
    if (child.platform === undefined && (kind === 'index' || kind === 'manifest')) selected.add(child);
  }
  return selected;
}

function limited(chosen: Iterable<Descriptor>, limit: number): Iterable<Descriptor> {
  return limit > 0 ? [...chosen].slice(0, limit) : chosen;
}

async function configSuits(
  { content, signal }: BlobSource,
  config: Descriptor,
  platforms: readonly Platform[],
  offered: string[],
): Promise<boolean> {
  if (kindOf(config.mediaType) !== 'config') return false;
  const { platform } = await readConfig(content, config, { signal });
  offered.push(formatPlatform(platform));
  return platforms.some((host) => platformRank(host, platform) !== undefined);
}

function bounded({ mediaType, digest, size }: Descriptor, maxBytes: number): void {
  const kind = kindOf(mediaType);
  const isDocument = kind === 'index' || kind === 'manifest' || kind === 'config';
  if (isDocument && size > BigInt(maxBytes)) {
    throw new Fault(
      'resource_exhausted',
      `fetch ${digest}: ${size} bytes of ${kind}, the most is ${maxBytes}`,
    );
  }
}
