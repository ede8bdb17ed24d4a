import { expect, test } from '@jest/globals';
import { hostPlatform } from '@stowage/core';
import { openRegistry } from '@stowage/registry';
import { dockerRegistry } from '../../registry/test/support/docker-registry.ts';
import { buildImage, childrenOf, chooseManifest, fetchImage, kindOf, pullImage } from '../src/index.ts';
import { openHouse, snapshotterName } from './support/house.ts';
import { bytesOf, labelledStore } from './support/store.ts';

test('an image is pulled from a real registry and unpacked', async () => {
  await using server = await dockerRegistry();
  await using source = await labelledStore();
  const target = await buildImage(source, {
    layers: [[{ path: 'etc/motd', data: 'hi' }], [{ path: 'big', data: 'x'.repeat(3_000_000) }]],
    compression: 'none',
  });
  const push = async (descriptor: typeof target, reference: string): Promise<void> => {
    // What is pointed at first, as registries want it.
    for (const child of await childrenOf(source, descriptor)) await push(child, child.digest);
    const bytes = await bytesOf(source.read(descriptor.digest));
    const isBlob = kindOf(descriptor.mediaType) === 'config' || kindOf(descriptor.mediaType) === 'layer';
    if (isBlob) await server.pushBlob('some/image', descriptor.mediaType, bytes);
    else await server.pushManifest('some/image', reference, descriptor.mediaType, bytes);
  };
  await push(target, 'v1');

  await using registry = openRegistry();
  const { name, descriptor } = await registry.resolve(`${server.host}/some/image:v1`);
  expect(descriptor).toEqual(target);
  await using content = await labelledStore();
  await fetchImage({ fetcher: registry, content, name, descriptor });
  expect(await content.digests()).toEqual(await source.digests());
  expect(content.labels(target.digest)['containerd.io/distribution.source.127.0.0.1']).toBe('some/image');

  await using house = await openHouse();
  const { differ, snapshotter } = house;
  const unpack = { differ, snapshotter, snapshotterName };
  const pulled = await pullImage({ fetcher: registry, content: house.content, name, descriptor, unpack });
  expect(await house.names()).toContain(pulled.unpacked.chainId);
  const { manifest } = await chooseManifest(house.content, descriptor, hostPlatform());
  expect((await house.content.info(manifest.config.digest)).labels).toMatchObject({
    'containerd.io/gc.ref.snapshot.native': pulled.unpacked.chainId,
  });
});
