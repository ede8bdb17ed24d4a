import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { mountedApart } from '@stowage/client';
import { type ClientCase, IMAGE } from './case.ts';

export const diffCases: readonly ClientCase[] = [
  {
    name: 'what changed is packed as a layer, and applied elsewhere',
    async run(client) {
      await using lease = await client.lease();
      const { services } = lease.client;
      const parent = await (await client.image(IMAGE)).rootfs();
      await using lower = await lease.client.viewSnapshot({ parent });
      await using upper = await lease.client.prepareSnapshot({ parent });
      {
        await using mounted = await mountedApart(upper.mounts, { purpose: 'write', writable: true });
        await writeFile(join(mounted.path, 'added'), 'by a diff');
      }
      const layer = await services.differ.diff(lower.mounts, upper.mounts);
      expect(layer.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip');
      const { labels, sizeBytes } = await services.content.info(layer.digest);
      expect(sizeBytes).toBe(layer.size);
      await using other = await lease.client.prepareSnapshot({ parent });
      const applied = await services.differ.apply(layer, other.mounts);
      expect(applied.digest).toBe(labels['containerd.io/uncompressed']);
      await using mounted = await mountedApart(other.mounts, { purpose: 'read' });
      expect(await readFile(join(mounted.path, 'added'), 'utf8')).toBe('by a diff');
    },
  },
  {
    name: 'a layer that is not there is not found',
    async run(client) {
      await using snapshot = await client.prepareSnapshot();
      const { manifest } = { manifest: await (await client.image(IMAGE)).manifest() };
      const [layer] = manifest.layers;
      if (layer === undefined) throw new Error('the image has no layer');
      const digest = `sha256:${'0'.repeat(64)}` as typeof layer.digest;
      const applied = client.services.differ.apply({ ...layer, digest }, snapshot.mounts);
      await expect(applied).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
];
