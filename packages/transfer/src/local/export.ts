import { Fault, hostPlatform, quote } from '@stowage/core';
import type { Image, ImageStore } from '@stowage/images';
import { holdImages } from '@stowage/leases';
import { writeArchive } from '@stowage/oci-image';
import type { ArchiveSink, StoredImage } from '../objects.ts';
import type { Work } from './parts.ts';
import type { Steps } from './steps.ts';

/** @see containerd core/transfer/local/export.go */
export async function exportImages(
  work: Work,
  from: StoredImage,
  to: ArchiveSink,
  steps: Steps,
): Promise<void> {
  const { parts, scope, signal } = work;
  steps.say('Exporting');
  const images = await lookUp(parts.images(scope), from, signal);
  await using _held = await holdImages(parts.leases(scope), images, { signal });
  const platforms = to.platforms === undefined || to.platforms.length === 0 ? [hostPlatform()] : to.platforms;
  const archive = writeArchive(parts.content(scope), images, {
    ...(!to.allPlatforms && { platforms }),
    dockerManifest: !to.skipDockerManifest,
    signal,
  });
  await to.write(archive, { signal });
  steps.say('Completed export');
}

async function lookUp(
  images: ImageStore,
  { name, references = [] }: StoredImage,
  signal: AbortSignal | undefined,
): Promise<Image[]> {
  const names = name === '' ? [] : [name];
  for (const { name: further, isPrefix } of references) {
    if (isPrefix)
      throw new Fault('unimplemented', `export ${quote(further)}: images can't be named by a prefix`);
    names.push(further);
  }
  if (names.length === 0) throw new Fault('invalid_argument', 'export: no image is named');
  return Promise.all(names.map((one) => images.get(one, { signal })));
}
