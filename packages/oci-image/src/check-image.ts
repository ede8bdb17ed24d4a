import { type CallOptions, type Descriptor, Fault, type Platform, unlessGone } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { chainIds } from './chain-ids.ts';
import { isForeign, kindOf } from './media-types.ts';
import { type ContentReader, readConfig, readIndex, readManifest } from './read.ts';
import { Visits } from './visits.ts';

export interface CheckOptions extends CallOptions {
  /** Where it may be unpacked, by name. */
  readonly snapshotters?: ReadonlyMap<string, Pick<Snapshotter, 'stat'>> | undefined;
}

/** What is here of one manifest of an image. */
export interface ManifestCheck {
  /** A manifest, or an index that is not here itself. */
  readonly descriptor: Descriptor;
  /** As the index says, or else the config; none if neither does. */
  readonly platform: Platform | undefined;
  /** `absent`: not even the manifest is here, so nobody knows what else it needs. */
  readonly state: 'complete' | 'incomplete' | 'absent';
  /** The manifest, its config and its layers; foreign layers do not count. */
  readonly present: readonly Descriptor[];
  readonly missing: readonly Descriptor[];
  /** Snapshotters that have the snapshot of all its layers. */
  readonly unpackedIn: readonly string[];
}

/**
 * Tells of each manifest of an image whether all of it is in a store, and where it is unpacked. What is known to be damaged
 * counts as missing.
 *
 * @throws Fault `invalid_argument` for documents that are malformed; `resource_exhausted` for too many.
 * @see containerd core/images/image.go Check, cmd/ctr/commands/images/images.go checkCommand
 */
export async function* checkImage(
  content: ContentReader,
  target: Descriptor,
  { snapshotters = new Map(), signal }: CheckOptions = {},
): AsyncGenerator<ManifestCheck> {
  const visits = new Visits(target);
  for (let next = visits.next(); next !== undefined; next = visits.next()) {
    const kind = kindOf(next.mediaType);
    if (kind !== 'index' && kind !== 'manifest') continue;
    if (!(await isHere(content, next, { signal }))) {
      const nothing = { present: [], missing: [next], unpackedIn: [] };
      yield { descriptor: next, platform: next.platform, state: 'absent', ...nothing };
    } else if (kind === 'index') {
      visits.add((await readIndex(content, next, { signal })).manifests);
    } else {
      yield await checkManifest(content, next, snapshotters, { signal });
    }
  }
}

async function checkManifest(
  content: ContentReader,
  descriptor: Descriptor,
  snapshotters: ReadonlyMap<string, Pick<Snapshotter, 'stat'>>,
  options: CallOptions,
): Promise<ManifestCheck> {
  const { config, layers } = await readManifest(content, descriptor, options);
  const present = [descriptor];
  const missing: Descriptor[] = [];
  const hasConfig = await isHere(content, config, options);
  (hasConfig ? present : missing).push(config);
  for (const layer of layers) {
    if (isForeign(layer.mediaType)) continue;
    ((await isHere(content, layer, options)) ? present : missing).push(layer);
  }
  const isImage = hasConfig && kindOf(config.mediaType) === 'config';
  const image = isImage ? await readConfig(content, config, options) : undefined;
  const unpackedIn: string[] = [];
  const top = chainIds(image?.diffIds ?? []).at(-1);
  if (top !== undefined) {
    for (const [name, snapshotter] of snapshotters)
      if ((await unlessGone(snapshotter.stat(top, options))) !== undefined) unpackedIn.push(name);
  }
  const platform = descriptor.platform ?? image?.platform;
  const state = missing.length === 0 ? 'complete' : 'incomplete';
  return { descriptor, platform, state, present, missing, unpackedIn };
}

async function isHere(
  content: ContentReader,
  { digest }: Descriptor,
  options: CallOptions,
): Promise<boolean> {
  try {
    await content.info(digest, options);
    return true;
  } catch (e) {
    if (Fault.is(e, 'not_found') || Fault.is(e, 'data_loss')) return false;
    throw e;
  }
}
