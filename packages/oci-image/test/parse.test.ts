import { expect, test } from '@jest/globals';
import { digestOf, MEDIA_TYPE, parseDigest } from '@stowage/core';
import { chainIds, kindOf, parseConfig, parseIndex, parseManifest, refOf } from '../src/index.ts';

const digest = digestOf('x');
const config = { mediaType: MEDIA_TYPE.ociConfig, digest, size: 2 };
const layer = { mediaType: MEDIA_TYPE.ociLayerGzip, digest, size: 5 };
const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [layer] };
const child = { mediaType: MEDIA_TYPE.ociManifest, digest, size: 7 };
const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [child] };
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

test('a manifest is read', () => {
  const parsed = parseManifest(bytes({ ...manifest, annotations: { a: 'b' }, subject: child }));
  expect(parsed.config).toEqual({ mediaType: MEDIA_TYPE.ociConfig, digest, size: 2n });
  expect(parsed.layers).toEqual([{ mediaType: MEDIA_TYPE.ociLayerGzip, digest, size: 5n }]);
  expect({ ...parsed.annotations }).toEqual({ a: 'b' });
  expect(parsed.subject?.size).toBe(7n);
});

test('an index is read, its platforms in canonical spelling', () => {
  const platform = {
    os: 'Linux',
    architecture: 'aarch64',
    variant: 'v8',
    'os.version': '1',
    'os.features': ['z', 'a'],
  };
  const parsed = parseIndex(bytes({ ...index, manifests: [{ ...child, platform }] }));
  expect(parsed.manifests[0]?.platform).toEqual({
    os: 'linux',
    architecture: 'arm64',
    osVersion: '1',
    osFeatures: ['a', 'z'],
  });
});

test('a document need not say what it is', () => {
  const { mediaType: _, ...untyped } = manifest;
  expect(parseManifest(bytes(untyped), MEDIA_TYPE.dockerManifest).mediaType).toBe(MEDIA_TYPE.dockerManifest);
  expect(parseIndex(bytes({ manifests: null })).manifests).toEqual([]);
});

// CVE-2021-41190: nothing may be one thing here and another elsewhere.
test.each<[string, unknown]>([
  ['manifests too', { ...manifest, manifests: [child] }],
  ['empty manifests', { ...manifest, manifests: [] }],
  ['Manifests in another case', { ...manifest, Manifests: [child] }],
  ['the type of an index', { ...manifest, mediaType: MEDIA_TYPE.ociIndex }],
  ['the type of another manifest', { ...manifest, mediaType: MEDIA_TYPE.dockerManifest }],
  ['an unknown type', { ...manifest, mediaType: 'text/plain' }],
  ['a type that is no text', { ...manifest, mediaType: 5 }],
  ['no config', { layers: [layer] }],
  ['a config that is none', { ...manifest, config: [] }],
  ['layers that are no list', { ...manifest, layers: { 0: layer } }],
  ['a layer that is none', { ...manifest, layers: ['x'] }],
  ['a size below zero', { ...manifest, config: { ...config, size: -1 } }],
  ['a size that is no number', { ...manifest, config: { ...config, size: '2' } }],
  ['a size in parts', { ...manifest, config: { ...config, size: 1.5 } }],
  ['a size too large to be exact', { ...manifest, config: { ...config, size: 2 ** 53 } }],
  ['no size', { ...manifest, config: { mediaType: config.mediaType, digest } }],
  ['no type of the config', { ...manifest, config: { digest, size: 2 } }],
  ['annotations that are no text', { ...manifest, annotations: { a: 1 } }],
  ['too many layers', { ...manifest, layers: new Array(10_001).fill(layer) }],
  ['no object', '[]'],
  ['null', 'null'],
  ['nothing', ''],
  ['a broken object', '{"config":'],
  ['too long', `{"a":"${'x'.repeat(4 * 1048 * 1048)}"}`],
  ['very deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
])('a manifest with %s is refused', (_, value) => {
  expect(() => parseManifest(bytes(value))).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test.each<[string, unknown]>([
  ['layers too', { ...index, layers: [] }],
  ['a config too', { ...index, config }],
  ['Layers in another case', { ...index, LAYERS: [layer] }],
  ['the type of a manifest', { ...index, mediaType: MEDIA_TYPE.ociManifest }],
  ['no manifests', { schemaVersion: 2 }],
  ['manifests that are no list', { ...index, manifests: 'x' }],
  ['a platform that is none', { ...index, manifests: [{ ...child, platform: 'linux' }] }],
  ['an os that is no text', { ...index, manifests: [{ ...child, platform: { os: {} } }] }],
])('an index with %s is refused', (_, value) => {
  expect(() => parseIndex(bytes(value))).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test('a type that is no manifest or index is refused, whatever the bytes', () => {
  for (const type of [MEDIA_TYPE.ociIndex, MEDIA_TYPE.ociLayer, '', '__proto__']) {
    expect(() => parseManifest(bytes(manifest), type)).toThrow(
      expect.objectContaining({ kind: 'invalid_argument' }),
    );
  }
  expect(() => parseIndex(bytes(index), MEDIA_TYPE.ociManifest)).toThrow(
    expect.objectContaining({ kind: 'invalid_argument' }),
  );
});

test.each([
  { schemaVersion: 1, fsLayers: [{ blobSum: digest }], history: [] },
  { ...manifest, mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
  { ...manifest, FSLayers: [] },
])('schema 1 is refused by name', (value) => {
  expect(() => parseManifest(bytes(value))).toThrow(
    expect.objectContaining({ kind: 'unimplemented', message: expect.stringContaining('schema 1') }),
  );
});

// CVE-2026-95839 and its kin.
test.each([
  '',
  'sha256:',
  'sha256:../../x',
  digest.toUpperCase(),
  digest.slice(0, -1),
  `${digest}0`,
  'sha512:abcd',
  `md5:${'0'.repeat(32)}`,
  `${digest.slice(0, -1)}\0`,
  `${digest}\n`,
  'x'.repeat(1024 * 1024),
  5,
  null,
])('a digest %p is refused everywhere', (bad) => {
  const refused = expect.objectContaining({ kind: 'invalid_argument' });
  expect(() => parseManifest(bytes({ ...manifest, config: { ...config, digest: bad } }))).toThrow(refused);
  expect(() => parseManifest(bytes({ ...manifest, layers: [{ ...layer, digest: bad }] }))).toThrow(refused);
  expect(() => parseManifest(bytes({ ...manifest, subject: { ...child, digest: bad } }))).toThrow(refused);
  expect(() => parseIndex(bytes({ ...index, manifests: [{ ...child, digest: bad }] }))).toThrow(refused);
  expect(() => parseConfig(bytes({ rootfs: { diff_ids: [bad] } }))).toThrow(refused);
});

test('__proto__ and constructor are keys like any other', () => {
  const hostile = `{"schemaVersion":2,"__proto__":{"manifests":[]},"config":${JSON.stringify(config)},"layers":[],
    "annotations":{"__proto__":"a","constructor":"b"}}`;
  const { annotations } = parseManifest(bytes(hostile));
  expect(JSON.stringify(annotations)).toBe('{"__proto__":"a","constructor":"b"}');
  const { config: c } = parseConfig(
    bytes('{"config":{"Labels":{"__proto__":"a"},"Volumes":{"__proto__":{}}}}'),
  );
  expect(JSON.stringify(c.labels)).toBe('{"__proto__":"a"}');
  expect(c.volumes).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>).manifests).toBeUndefined();
});

test('a config without anything is empty, not missing', () => {
  expect(parseConfig(bytes('{}'))).toMatchObject({
    diffIds: [],
    history: [],
    config: { user: '', env: [], entrypoint: [], cmd: [], workingDir: '' },
  });
  expect(parseConfig(bytes('{"config":{"Cmd":null,"Env":null}}')).config.cmd).toEqual([]);
});

test.each([
  '{"config":{"Cmd":"sh"}}',
  '{"config":{"Env":[1]}}',
  '{"config":[]}',
  '{"rootfs":{"diff_ids":{}}}',
  '{"history":["step"]}',
  '{"history":[{"empty_layer":"yes"}]}',
])('a config %s is refused', (text) => {
  expect(() => parseConfig(bytes(text))).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

// The example of the image specification's own tests (image-spec identity/chainid_test.go).
test('chain ids are those of the image specification', () => {
  const ids = ['a', 'b', 'c'].map((c) => parseDigest(`sha256:${c.repeat(64)}`));
  const [one, two, three] = chainIds(ids);
  expect(one).toBe(ids[0]);
  expect(two).toBe(digestOf(`${ids[0]} ${ids[1]}`));
  expect(three).toBe(digestOf(`${two} ${ids[2]}`));
  expect(chainIds([])).toEqual([]);
});

test.each([
  [MEDIA_TYPE.ociIndex, 'index'],
  [MEDIA_TYPE.dockerIndex, 'index'],
  [MEDIA_TYPE.ociManifest, 'manifest'],
  [MEDIA_TYPE.dockerManifest, 'manifest'],
  [MEDIA_TYPE.ociConfig, 'config'],
  [MEDIA_TYPE.dockerConfig, 'config'],
  [MEDIA_TYPE.ociLayer, 'layer'],
  [MEDIA_TYPE.ociLayerZstd, 'layer'],
  ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', 'layer'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'layer'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'layer'],
  [MEDIA_TYPE.dockerLayerGzip, 'layer'],
  ['application/vnd.in-toto+json', 'attestation'],
  [MEDIA_TYPE.dockerSchema1, 'unknown'],
  ['__proto__', 'unknown'],
  ['', 'unknown'],
])('%s is a kind of %s, and its ref says so', (mediaType, kind) => {
  expect(kindOf(mediaType)).toBe(kind);
  expect(refOf({ mediaType, digest })).toBe(`${kind}-${digest}`);
});
