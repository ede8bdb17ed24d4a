import type { RequestListener } from 'node:http';
import { expect, test } from '@jest/globals';
import { digestOf, MEDIA_TYPE } from '@stowage/core';
import { openRegistry } from '../src/index.ts';
import { MANIFEST, stub } from './support/stub.ts';

const subject = digestOf(MANIFEST);
const referrer = (text: string, artifactType: string) => ({
  mediaType: MEDIA_TYPE.ociManifest,
  digest: digestOf(text),
  size: 5,
  artifactType,
});
const [signature, parts] = [referrer('a', 'application/vnd.sig'), referrer('b', 'application/vnd.parts')];

test('a registry that knows referrers is asked for them, page by page, and for the type that is wanted', async () => {
  await using server = await stub((request, response) => {
    const isSecond = request.url?.includes('page=2');
    const path = `/v2/x/referrers/${subject}`;
    response.writeHead(200, {
      'content-type': MEDIA_TYPE.ociIndex,
      ...(!isSecond && { link: `<${path}?page=2>; rel="next"` }),
    });
    response.end(JSON.stringify({ schemaVersion: 2, manifests: [isSecond ? parts : signature] }));
  });
  await using registry = openRegistry();
  const name = `${server.host}/x`;
  const all = await Array.fromAsync(registry.referrers(name, subject));
  expect(all).toEqual([signature, parts].map((one) => ({ ...one, size: 5n })));
  const artifactType = 'application/vnd.parts';
  expect(await Array.fromAsync(registry.referrers(name, subject, { artifactType }))).toEqual([all[1]]);
  expect(server.log.map(({ line }) => line)).toEqual([
    `GET /v2/x/referrers/${subject}`,
    `GET /v2/x/referrers/${subject}?page=2`,
    `GET /v2/x/referrers/${subject}?artifactType=application%2Fvnd.parts`,
    `GET /v2/x/referrers/${subject}?page=2`,
  ]);
});

test('whoever reads one referrer asks for one page', async () => {
  await using server = await stub((_, response) => {
    response.writeHead(200, {
      'content-type': MEDIA_TYPE.ociIndex,
      link: `</v2/x/referrers/${subject}?page=2>; rel="next"`,
    });
    response.end(JSON.stringify({ schemaVersion: 2, manifests: [signature] }));
  });
  await using registry = openRegistry();
  for await (const one of registry.referrers(`${server.host}/x`, subject)) {
    expect(one.digest).toBe(signature.digest);
    break;
  }
  expect(server.log).toHaveLength(1);
});

test('a registry that lists what refers by itself is not helped', async () => {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
      layers: [],
      subject: { mediaType: MEDIA_TYPE.ociManifest, digest: subject, size: MANIFEST.byteLength },
    }),
  );
  const taking =
    (headers: Record<string, string>): RequestListener =>
    (request, response) =>
      void request.resume().on('end', () => {
        if (request.method === 'PUT') response.writeHead(201, headers).end();
        else response.writeHead(404).end();
      });
  await using knowing = await stub(taking({ 'oci-subject': subject }));
  await using simple = await stub(taking({}));
  await using registry = openRegistry();
  for (const { host } of [knowing, simple])
    await registry.pushManifest(`${host}/x`, { mediaType: MEDIA_TYPE.ociManifest, bytes });
  const own = `PUT /v2/x/manifests/${digestOf(bytes)}`;
  const tag = `/v2/x/manifests/sha256-${subject.slice(7)}`;
  expect(knowing.log.map(({ line }) => line)).toEqual([own]);
  expect(simple.log.map(({ line }) => line)).toEqual([own, `GET ${tag}`, `PUT ${tag}`]);
});

test('a tag is deleted by its name where a registry can', async () => {
  await using server = await stub((_, response) => void response.writeHead(202).end());
  await using registry = openRegistry();
  await registry.delete(`${server.host}/x:v1`);
  expect(server.log.map(({ line }) => line)).toEqual(['DELETE /v2/x/manifests/v1']);
  await expect(registry.delete(`${server.host}/x`)).rejects.toMatchObject({ kind: 'invalid_argument' });
});
