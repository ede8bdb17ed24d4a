import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { writeBlob } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, digestOf, hostPlatform, MEDIA_TYPE } from '@stowage/core';
import { buildImage, childrenOf, writeArchive } from '@stowage/oci-image';

/** Of the layer that both platforms have, and that does not compress. */
export const NOISE_BYTES = 300_000;
/** A platform that is not this machine's. */
export const OTHER = {
  os: 'linux',
  architecture: hostPlatform().architecture === 'arm64' ? 'amd64' : 'arm64',
};

/** An archive with an index for this platform and {@link OTHER}, of three layers each, two of which they share. */
export async function archiveOfSeveral(dir: string, name: string, file: string): Promise<Descriptor> {
  await using content = await LocalContentStore.open(join(dir, `content-${digestOf(file).slice(7, 20)}`));
  const noise = randomBytes(NOISE_BYTES);
  const manifests: object[] = [];
  for (const platform of [hostPlatform(), OTHER]) {
    const built = await buildImage(content, {
      platform,
      layers: [
        [{ path: 'base', data: noise }],
        [{ path: 'own', data: `${name} ${platform.architecture}` }],
        [{ path: 'top', data: `${name} top` }],
      ],
      config: { Cmd: ['/top'] },
    });
    const [manifest] = await childrenOf(content, built);
    if (manifest !== undefined) manifests.push({ ...manifest, size: Number(manifest.size), platform });
  }
  const mediaType = MEDIA_TYPE.ociIndex;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  const index = { mediaType, digest: digestOf(bytes), size: BigInt(bytes.byteLength) };
  await writeBlob(content, 'index', bytes, index);
  await pipeline(writeArchive(content, [{ name, target: index }]), createWriteStream(file));
  return index;
}
