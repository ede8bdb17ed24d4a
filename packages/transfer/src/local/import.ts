import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  Fault,
  formatPlatform,
  type Platform,
  platformRank,
  unlessGone,
} from '@stowage/core';
import {
  type ChosenManifest,
  chooseManifest,
  convertImage,
  kindOf,
  type ReadArchive,
  readArchive,
  readConfig,
  readIndex,
  unpackImage,
} from '@stowage/oci-image';
import type { ArchiveSource, StoredImage } from '../objects.ts';
import { archivedNames, storeArchived, storeImage } from './names.ts';
import { ownLease } from './own-lease.ts';
import type { Work } from './parts.ts';
import type { Steps } from './steps.ts';
import { unpackingsOf } from './unpack-targets.ts';

/** @see containerd core/transfer/local/import.go */
export async function importArchive(
  work: Work,
  from: ArchiveSource,
  to: StoredImage,
  steps: Steps,
): Promise<void> {
  const { parts, signal } = work;
  await using lease = await ownLease(work);
  const { scope } = lease;
  const unpackings = unpackingsOf(parts, scope, to);
  const content = parts.content(scope);
  steps.say('Importing');
  const archive = await readArchive(from.bytes, content, { signal });
  const { index, manifests } = from.forceCompress ? await compressed(content, archive, { signal }) : archive;
  await mustSuit(content, manifests, to.platforms ?? [], { signal });
  for (const unpacking of unpackings) {
    for (const manifest of manifests) {
      const chosen = await suiting(content, manifest, unpacking.platform, { signal });
      if (chosen === undefined) continue;
      const options = { ...unpacking.to, manifest: chosen.manifest, onProgress: steps.fetched };
      await unpackImage({ ...options, content, signal });
    }
  }
  const images = parts.images(scope);
  const named = to.name !== '' || (to.references ?? []).some(({ isPrefix }) => !isPrefix);
  if (named) await storeImage(images, to, index, steps, { signal });
  let isNamed = named;
  for (const manifest of manifests) {
    if (archivedNames(to, manifest).length === 0) continue;
    await mustBeHere(content, manifest, { signal });
    await storeArchived(images, to, manifest, steps, { signal });
    isNamed = true;
  }
  if (!isNamed)
    parts.log.info({ index: index.digest }, 'an archive was imported, and nothing of it was named');
  steps.say('Completed import');
}

/** With gzip, what is not compressed. Of what the archive lacks nothing is left in the index then. */
async function compressed(
  content: ContentStore,
  archive: ReadArchive,
  options: CallOptions,
): Promise<ReadArchive> {
  const part = 'available';
  const converted = await convertImage({
    ...{ content, target: archive.index, part, compression: 'gzip', plainOnly: true },
    ...options,
  });
  const { descriptor: index, leftOut } = converted;
  if (index.digest === archive.index.digest) return archive;
  const isLeftOut = new Set(leftOut.map(({ digest }) => digest));
  const kept = archive.manifests.filter(({ digest }) => !isLeftOut.has(digest));
  const made =
    kindOf(index.mediaType) === 'index' ? (await readIndex(content, index, options)).manifests : [index];
  const manifests = kept.map((manifest, i) => {
    const { digest, size, mediaType } = made[i] ?? manifest;
    return { ...manifest, digest, size, mediaType };
  });
  return { index, manifests };
}

/** An archive may lack what its index names. @throws Fault `not_found` */
async function mustBeHere(
  content: ContentStore,
  { digest }: Descriptor,
  options: CallOptions,
): Promise<void> {
  if ((await unlessGone(content.info(digest, options))) !== undefined) return;
  throw new Fault('not_found', `import: the archive names ${digest}, and does not have it`);
}

/** @throws Fault `not_found` if the archive has nothing for any of the platforms. */
async function mustSuit(
  content: ContentStore,
  manifests: readonly Descriptor[],
  platforms: readonly Platform[],
  options: CallOptions,
): Promise<void> {
  if (platforms.length === 0) return;
  for (const platform of platforms) {
    for (const manifest of manifests) {
      if ((await suiting(content, manifest, platform, options)) !== undefined) return;
    }
  }
  const wanted = platforms.map(formatPlatform).join(' or ');
  throw new Fault('not_found', `import: the archive has nothing for ${wanted}`);
}

/** What of an image is for a platform, if anything of it is. */
async function suiting(
  content: ContentStore,
  image: Descriptor,
  platform: Platform,
  options: CallOptions,
): Promise<ChosenManifest | undefined> {
  let chosen: ChosenManifest;
  try {
    chosen = await chooseManifest(content, image, platform, options);
  } catch (e) {
    if (Fault.is(e, 'not_found')) return undefined;
    throw e;
  }
  if (kindOf(chosen.manifest.config.mediaType) !== 'config') return undefined;
  // A manifest that is in no index was taken as it is.
  const { platform: made } = await readConfig(content, chosen.manifest.config, options);
  return platformRank(platform, made) === undefined ? undefined : chosen;
}
