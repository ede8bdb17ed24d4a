import {
  type CallOptions,
  type Descriptor,
  Fault,
  formatPlatform,
  type Platform,
  platformRank,
  unlessGone,
} from '@stowage/core';
import type { ImageManifest } from './documents.ts';
import { kindOf } from './media-types.ts';
import { type ContentReader, readConfig, readIndex, readManifest } from './read.ts';
import { Visits } from './visits.ts';

export interface ChosenManifest {
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
}

/**
 * The manifest of an image that suits a platform best. A manifest that is no part of an index is taken as it is, as
 * whoever named it meant it.
 *
 * @throws Fault `not_found` if none suits, saying what there is, or if the best one is not in the store.
 */
export async function chooseManifest(
  content: ContentReader,
  descriptor: Descriptor,
  platform: Platform,
  options: CallOptions = {},
): Promise<ChosenManifest> {
  if (kindOf(descriptor.mediaType) === 'manifest') {
    return { descriptor, manifest: await readManifest(content, descriptor, options) };
  }
  const seen: string[] = [];
  let best: { readonly rank: number; readonly descriptor: Descriptor } | undefined;
  for await (const candidate of candidates(content, descriptor, options)) {
    const offered = candidate.platform ?? (await configPlatform(content, candidate, options));
    if (offered === undefined) continue;
    seen.push(formatPlatform(offered));
    const rank = platformRank(platform, offered);
    if (rank !== undefined && (best === undefined || rank < best.rank))
      best = { rank, descriptor: candidate };
  }
  if (best === undefined) throw noManifest(descriptor, [platform], seen);
  return { descriptor: best.descriptor, manifest: await readManifest(content, best.descriptor, options) };
}

/** Says what there is, so that whoever asked can ask for that. */
export function noManifest(
  descriptor: Descriptor,
  wanted: readonly Platform[],
  seen: readonly string[],
): Fault {
  const offered = [...new Set(seen)].filter((p) => !p.startsWith('unknown')).slice(0, 20);
  const has = offered.length === 0 ? 'nothing for any platform' : `only ${offered.join(', ')}`;
  return new Fault(
    'not_found',
    `choose from ${descriptor.digest}: no manifest for ${wanted.map(formatPlatform).join(' or ')}; it has ${has}`,
  );
}

async function* candidates(
  content: ContentReader,
  root: Descriptor,
  options: CallOptions,
): AsyncGenerator<Descriptor> {
  const visits = new Visits(root);
  for (let next = visits.next(); next !== undefined; next = visits.next()) {
    const kind = kindOf(next.mediaType);
    if (kind === 'manifest') yield next;
    if (kind !== 'index') continue;
    // One nested index of several may be absent, as after a pull for one platform.
    const reading = readIndex(content, next, options);
    const index = await (next === root ? reading : unlessGone(reading));
    visits.add(index?.manifests ?? []);
  }
}

/** The platform that a manifest's config names, where the index does not say. */
async function configPlatform(
  content: ContentReader,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<Platform | undefined> {
  const manifest = await unlessGone(readManifest(content, descriptor, options));
  if (manifest === undefined || kindOf(manifest.config.mediaType) !== 'config') return undefined;
  return (await unlessGone(readConfig(content, manifest.config, options)))?.platform;
}
