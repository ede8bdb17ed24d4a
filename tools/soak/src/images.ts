import { join } from 'node:path';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform } from '@stowage/core';
import { buildImage, pushImage } from '@stowage/oci-image';
import { openRegistry } from '@stowage/registry';
import { BUSYBOX } from '@stowage/testing';

/** Images in a registry, alike but for their last layers. @returns references. */
export async function pushImages(dir: string, host: string, count: number): Promise<string[]> {
  await using content = await LocalContentStore.open(join(dir, 'images'));
  await using pusher = openRegistry();
  const references: string[] = [];
  for (let n = 0; n < count; n++) {
    const target = await buildImage(content, {
      platform: hostPlatform(),
      layers: [
        [
          { path: 'bin/busybox', source: BUSYBOX, mode: 0o755 },
          ...['sh', 'echo'].map((applet) => ({ path: `bin/${applet}`, link: 'busybox' })),
        ],
        [{ path: 'number', data: `${n}\n` }],
      ],
      config: { Env: ['PATH=/bin'], WorkingDir: '/' },
    });
    const reference = `${host}/soak/image:${n}`;
    await pushImage({ pusher, content, target, name: reference });
    references.push(reference);
  }
  return references;
}
