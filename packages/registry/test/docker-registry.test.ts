import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { digestOf, MEDIA_TYPE } from '@stowage/core';
import { openRegistry } from '../src/index.ts';
import { type DockerRegistry, dockerRegistry } from './support/docker-registry.ts';
import { BLOB, bytesOf } from './support/stub.ts';

let server: DockerRegistry;

beforeAll(async () => {
  server = await dockerRegistry();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

async function pushImage(repository: string, tag: string, mediaType: string) {
  const config = await server.pushBlob(repository, MEDIA_TYPE.ociConfig, Buffer.from('{}'));
  const layer = await server.pushBlob(repository, MEDIA_TYPE.ociLayerGzip, BLOB);
  const plain = ({ size, ...rest }: typeof layer) => ({ ...rest, size: Number(size) });
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, config: plain(config), layers: [plain(layer)] }),
  );
  return { layer, bytes, manifest: await server.pushManifest(repository, tag, mediaType, bytes) };
}

test.each([MEDIA_TYPE.ociManifest, MEDIA_TYPE.dockerManifest])(
  '%s is resolved and fetched',
  async (mediaType) => {
    const { manifest, layer, bytes } = await pushImage('some/where', 'v1', mediaType);
    await using registry = openRegistry();
    const name = `${server.host}/some/where:v1`;
    expect(await registry.resolve(name)).toEqual({ name, descriptor: manifest });
    const byDigest = `${server.host}/some/where@${manifest.digest}`;
    expect((await registry.resolve(byDigest)).descriptor).toEqual(manifest);
    expect(await bytesOf(registry.fetch(name, manifest))).toEqual(bytes);
    expect(digestOf(await bytesOf(registry.fetch(name, layer)))).toBe(layer.digest);
  },
);

test('a blob is fetched from an offset on', async () => {
  const { layer } = await pushImage('ranges', 'v1', MEDIA_TYPE.ociManifest);
  await using registry = openRegistry();
  const rest = await bytesOf(registry.fetch(`${server.host}/ranges:v1`, layer, { offset: 100_000n }));
  expect(BLOB.subarray(100_000).equals(rest)).toBe(true);
  expect(
    await bytesOf(registry.fetch(`${server.host}/ranges:v1`, layer, { offset: layer.size })),
  ).toHaveLength(0);
});

test('what is not there is not_found and named', async () => {
  await using registry = openRegistry();
  const name = `${server.host}/absent/image:v9`;
  await expect(registry.resolve(name)).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringMatching(/absent\/image:v9.*MANIFEST_UNKNOWN|absent\/image:v9.*NAME_UNKNOWN/),
  });
  const { layer } = await pushImage('other', 'v1', MEDIA_TYPE.ociManifest);
  const lost = { ...layer, digest: digestOf('nobody has this') };
  await expect(bytesOf(registry.fetch(`${server.host}/other:v1`, lost))).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining(lost.digest),
  });
});
