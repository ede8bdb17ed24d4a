import { readBlob } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  digestOf,
  Fault,
  formatPlatform,
  type Platform,
  platformRank,
} from '@stowage/core';
import { noManifest } from './choose.ts';
import { MAX_MANIFEST_BYTES } from './documents.ts';
import { ImageWalk, type WalkOptions } from './image-walk.ts';
import { kindOf } from './media-types.ts';
import type { Sendable } from './push-send.ts';
import { type ContentReader, readConfig, readIndex, readManifest } from './read.ts';

/** What of an image is meant: all of it, what is for some platforms, or what is there. */
export type ImagePart = readonly Platform[] | 'all' | 'available';

export type PartOptions = Pick<WalkOptions, 'purpose' | 'signal'>;

/** What goes, and as what. */
export interface PartPlan extends Sendable {
  /** What the image's index points at and does not go. */
  readonly leftOut: readonly Descriptor[];
}

/** Chooses what goes, and sees that it is there. @throws Fault as `pushImage`; messages begin with the purpose. */
export async function planPart(
  content: ContentReader,
  target: Descriptor,
  part: ImagePart,
  options: PartOptions = {},
): Promise<PartPlan> {
  const { purpose = 'push' } = options;
  const walk = new ImageWalk(content, target, options);
  if (kindOf(target.mediaType) !== 'index' || part === 'all') {
    if (typeof part !== 'string') await expectPlatform(content, target, part, options);
    await advising(walk.add(target), part, purpose);
    return { ...walk.walked, root: target, leftOut: [] };
  }
  const { manifests } = await readIndex(content, target, options);
  const kept = new Set<Descriptor>();
  for (const child of manifests) {
    if (typeof part === 'string') {
      if (await isAvailable(walk, child)) kept.add(child);
    } else if (suits(child, part)) {
      await advising(walk.add(child), part, purpose);
      kept.add(child);
    }
  }
  if (kept.size === 0) throw nothingOf(purpose, target, part, manifests);
  const leftOut = manifests.filter((child) => !kept.has(child));
  if (leftOut.length === 0) {
    await walk.add(target);
    return { ...walk.walked, root: target, leftOut };
  }
  const [only] = kept;
  if (only !== undefined && kept.size === 1) return { ...walk.walked, root: only, leftOut };
  const rootBytes = await reduced(content, target, kept, options);
  const root = {
    mediaType: target.mediaType,
    digest: digestOf(rootBytes),
    size: BigInt(rootBytes.byteLength),
  };
  const { blobs, documents } = walk.walked;
  return { blobs, documents: new Map([...documents, [root.digest, root]]), root, rootBytes, leftOut };
}

async function isAvailable(walk: ImageWalk, child: Descriptor): Promise<boolean> {
  try {
    await walk.add(child);
    return true;
  } catch (e) {
    if (Fault.is(e, 'not_found')) return false;
    throw e;
  }
}

/** The index, pointing at some of its children only; all else that it says stays. */
async function reduced(
  content: ContentReader,
  target: Descriptor,
  kept: ReadonlySet<Descriptor>,
  options: CallOptions,
): Promise<Uint8Array> {
  const bytes = await readBlob(content, target, { maxBytes: MAX_MANIFEST_BYTES, ...options });
  // It was read as an index before, so it is one.
  const index = JSON.parse(Buffer.from(bytes).toString()) as { manifests: { digest: string }[] };
  const digests = new Set<string>([...kept].map(({ digest }) => digest));
  const manifests = index.manifests.filter(({ digest }) => digests.has(digest));
  return Buffer.from(JSON.stringify({ ...index, manifests }));
}

/** A manifest that is in no index says for what it is in its config. */
async function expectPlatform(
  content: ContentReader,
  target: Descriptor,
  wanted: readonly Platform[],
  options: CallOptions,
): Promise<void> {
  if (kindOf(target.mediaType) !== 'manifest') return;
  const { config } = await readManifest(content, target, options);
  if (kindOf(config.mediaType) !== 'config') return;
  const { platform } = await readConfig(content, config, options);
  if (!suits({ ...target, platform }, wanted)) throw noManifest(target, wanted, [formatPlatform(platform)]);
}

function suits({ platform }: Descriptor, wanted: readonly Platform[]): boolean {
  return platform === undefined || wanted.some((one) => platformRank(one, platform) !== undefined);
}

function nothingOf(
  purpose: string,
  target: Descriptor,
  part: ImagePart,
  manifests: readonly Descriptor[],
): Fault {
  if (typeof part === 'string')
    return new Fault(
      'not_found',
      `${purpose} ${target.digest}: nothing of it is whole in the store; pull it first`,
    );
  const offered = manifests.flatMap(({ platform }) =>
    platform === undefined ? [] : [formatPlatform(platform)],
  );
  return noManifest(target, part, offered);
}

async function advising(adding: Promise<void>, part: ImagePart, purpose: string): Promise<void> {
  try {
    await adding;
  } catch (e) {
    if (!Fault.is(e, 'not_found')) throw e;
    const advice =
      part === 'all'
        ? `it may have been pulled for some platforms only: ${purpose} these`
        : 'pull the image again';
    throw new Fault('not_found', `${e.message}; ${advice}`, { cause: e });
  }
}
