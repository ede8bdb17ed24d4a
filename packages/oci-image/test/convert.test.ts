import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import type { ContentStore } from '@stowage/content';
import { type Descriptor, digestOf, LABEL, MEDIA_TYPE, type Platform } from '@stowage/core';
import {
  buildImage,
  type ConvertOptions,
  chooseManifest,
  convertImage,
  readConfig,
  readIndex,
  readManifest,
} from '../src/index.ts';
import { writeBytes } from '../src/write-json.ts';
import { bytesOf, chunked, type LabelledStore, labelledStore } from './support/store.ts';

const AMD = { os: 'linux', architecture: 'amd64' } as const;
const ARM = { os: 'linux', architecture: 'arm64' } as const;
const COMPRESSIONS = ['gzip', 'zstd', 'none'] as const;
const OCI = { none: MEDIA_TYPE.ociLayer, gzip: MEDIA_TYPE.ociLayerGzip, zstd: MEDIA_TYPE.ociLayerZstd };

const plain = ({ size, ...rest }: Descriptor) => ({ ...rest, size: Number(size) });

function document(store: LabelledStore, mediaType: string, value: object, children: Descriptor[] = []) {
  return writeBytes(store, mediaType, Buffer.from(JSON.stringify(value)), children);
}

/** Two layers that compress well. */
const layersFor = ({ architecture }: Platform) => [
  [{ path: 'arch', data: architecture.repeat(50_000) }],
  [{ path: 'both', data: 'same'.repeat(300_000) }],
];

function imageOf(store: LabelledStore, platform: Platform = AMD, compression: 'gzip' | 'none' = 'gzip') {
  return buildImage(store, { platform, compression, layers: layersFor(platform), config: { Cmd: ['x'] } });
}

/** An index of two platforms and what attests the first, with annotations everywhere. */
async function annotated(store: LabelledStore): Promise<Descriptor> {
  const manifests = [];
  for (const platform of [AMD, ARM]) {
    const { descriptor } = await chooseManifest(store, await imageOf(store, platform), platform);
    const json = JSON.parse((await bytesOf(store.read(descriptor.digest))).toString());
    for (const [i, layer] of json.layers.entries()) {
      const toc = { 'containerd.io/snapshot/stargz/toc.digest': digestOf('toc') };
      layer.annotations = { 'example.layer': `${i}`, ...(i === 0 && toc) };
    }
    const value = {
      ...json,
      annotations: { 'example.manifest': platform.architecture },
      'x-more': [1, 'two'],
    };
    const children = [json.config, ...json.layers].map((one) => ({ ...one, size: BigInt(one.size) }));
    const made = await document(store, MEDIA_TYPE.ociManifest, value, children);
    manifests.push({ ...made, platform, annotations: { 'example.child': 'kept' } });
  }
  const config = await document(store, MEDIA_TYPE.ociConfig, { rootfs: { type: 'layers', diff_ids: [] } });
  const statement = await document(store, 'application/vnd.in-toto+json', { predicate: {} });
  const attestation = await document(
    store,
    MEDIA_TYPE.ociManifest,
    {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      config: plain(config),
      layers: [plain(statement)],
    },
    [config, statement],
  );
  const about = {
    'vnd.docker.reference.digest': manifests[0]?.digest ?? '',
    'vnd.docker.reference.type': 'attestation-manifest',
  };
  const unknown = { os: 'unknown', architecture: 'unknown' };
  const all = [...manifests, { ...attestation, platform: unknown, annotations: about }];
  const annotations = { 'example.index': 'kept' };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: all.map(plain), annotations };
  return document(store, MEDIA_TYPE.ociIndex, index, all);
}

/** What every layer of an image unpacks to, and how it is told to be compressed. */
async function layersIn(store: LabelledStore, target: Descriptor, platform: Platform = AMD) {
  const { manifest } = await chooseManifest(store, target, platform);
  return manifest.layers;
}

async function jsonOf(store: LabelledStore, { digest }: Descriptor): Promise<Record<string, unknown>> {
  return JSON.parse((await bytesOf(store.read(digest))).toString());
}

test.each(COMPRESSIONS)(
  'to %s: configs stay, layers say what they are, and it comes back the same',
  async (compression) => {
    await using content = await labelledStore();
    const from = compression === 'gzip' ? 'none' : 'gzip';
    const target = await imageOf(content, AMD, from);
    const { manifest: before } = await chooseManifest(content, target, AMD);
    const { descriptor, converted, reused } = await convertImage({ content, target, compression });
    expect({ converted, reused }).toEqual({ converted: 2, reused: 0 });
    const { descriptor: child, manifest } = await chooseManifest(content, descriptor, AMD);
    expect(manifest.config).toEqual(before.config);
    const { diffIds } = await readConfig(content, manifest.config);
    for (const [i, layer] of manifest.layers.entries()) {
      expect(layer.mediaType).toBe(OCI[compression]);
      expect(content.labels(layer.digest)).toEqual({ [LABEL.uncompressed]: diffIds[i] });
      expect((await content.info(layer.digest)).sizeBytes).toBe(layer.size);
      if (compression === 'none') expect(layer.digest).toBe(diffIds[i]);
    }
    // What is named keeps what it points at.
    expect(content.labels(child.digest)).toEqual({
      'containerd.io/gc.ref.content.config': manifest.config.digest,
      'containerd.io/gc.ref.content.l.0': manifest.layers[0]?.digest,
      'containerd.io/gc.ref.content.l.1': manifest.layers[1]?.digest,
    });
    expect(content.labels(descriptor.digest)).toEqual({ 'containerd.io/gc.ref.content.m.0': child.digest });
    expect(await content.refs()).toEqual([]);

    const again = await convertImage({ content, target: descriptor, compression });
    expect(again).toEqual({ descriptor, leftOut: [], converted: 0, reused: 2 });
    // As it was built, by the same zlib in the same pieces or not at all.
    const plainAgain = await convertImage({ content, target: descriptor, compression: 'none' });
    const [ours, first] = [await layersIn(content, plainAgain.descriptor), await layersIn(content, target)];
    if (from === 'none') expect(ours).toEqual(first);
  },
);

test('nothing is converted by what nothing asks', async () => {
  await using content = await labelledStore();
  const target = await annotated(content);
  expect(await convertImage({ content, target })).toEqual({
    descriptor: target,
    leftOut: [],
    converted: 0,
    reused: 0,
  });
});

test.each(['gzip', 'zstd'] as const)(
  '%s comes out the same, whatever the pieces that stores hand out',
  async (compression) => {
    const found = [];
    for (const bytes of [undefined, 777, 100_000]) {
      await using store = await labelledStore();
      const content: ContentStore = {
        ...store,
        async *read(digest, range, options) {
          const all = await bytesOf(store.read(digest, range, options));
          yield* bytes === undefined ? [all] : chunked(all, bytes);
        },
      };
      const target = await imageOf(store, AMD, 'none');
      found.push((await convertImage({ content, target, compression })).descriptor.digest);
    }
    expect(new Set(found).size).toBe(1);
  },
);

test('annotations and all else stay, but for what told of the old bytes; attestations follow', async () => {
  await using content = await labelledStore();
  const target = await annotated(content);
  const { descriptor } = await convertImage({ content, target, compression: 'zstd' });
  const { manifests } = await readIndex(content, descriptor);
  expect((await readIndex(content, descriptor)).annotations).toEqual({ 'example.index': 'kept' });
  const [amd, arm, attestation] = manifests;
  expect(manifests.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64', 'unknown']);
  for (const one of [amd, arm]) {
    expect(one?.annotations).toEqual({ 'example.child': 'kept' });
    if (one === undefined) continue;
    expect(await jsonOf(content, one)).toMatchObject({
      annotations: { 'example.manifest': one.platform?.architecture },
      'x-more': [1, 'two'],
    });
    const { layers } = await readManifest(content, one);
    expect(layers.map(({ annotations }) => annotations)).toEqual([
      { 'example.layer': '0' },
      { 'example.layer': '1' },
    ]);
  }
  const before = (await readIndex(content, target)).manifests;
  expect(attestation?.digest).toBe(before[2]?.digest);
  expect(attestation?.annotations).toMatchObject({ 'vnd.docker.reference.digest': amd?.digest });
});

test('what is of one platform stands by itself; of two there is an index; the others are left out', async () => {
  await using content = await labelledStore();
  const target = await annotated(content);
  const [amd, arm, attestation] = (await readIndex(content, target)).manifests;
  const one = await convertImage({ content, target, part: [ARM] });
  expect(one.descriptor).toEqual({ mediaType: arm?.mediaType, digest: arm?.digest, size: arm?.size });
  expect(one.leftOut).toEqual([amd, attestation]);
  const two = await convertImage({ content, target, part: [AMD, ARM], compression: 'none' });
  expect((await readIndex(content, two.descriptor)).manifests.map(({ platform }) => platform)).toEqual([
    AMD,
    ARM,
  ]);
  expect((await readIndex(content, two.descriptor)).annotations).toEqual({ 'example.index': 'kept' });
  // An index that only leaves out is new too, and keeps what it has.
  const subset = await convertImage({ content, target, part: [AMD, ARM] });
  expect(Object.values(content.labels(subset.descriptor.digest))).toEqual([amd?.digest, arm?.digest]);
  const riscv = { os: 'linux', architecture: 'riscv64' };
  await expect(convertImage({ content, target, part: [riscv] })).rejects.toMatchObject({ kind: 'not_found' });
});

test('of an image that was pulled for one platform, what is there is converted', async () => {
  await using content = await labelledStore();
  const target = await annotated(content);
  const [, arm] = (await readIndex(content, target)).manifests;
  await content.delete((await layersIn(content, target, ARM))[0]?.digest ?? target.digest);
  await expect(convertImage({ content, target, compression: 'zstd' })).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringMatching(/^convert sha256:.* is missing; .*convert these$/),
  });
  const { leftOut } = await convertImage({ content, target, compression: 'zstd', part: 'available' });
  expect(leftOut).toEqual([arm]);
});

/** As Docker has it. */
async function dockerImage(store: LabelledStore, layer: Uint8Array, mediaType: string, diffId?: string) {
  const archive = Buffer.from('an archive '.repeat(10_000));
  const ids = [diffId ?? digestOf(archive)];
  const config = await document(store, MEDIA_TYPE.dockerConfig, {
    ...AMD,
    config: {},
    rootfs: { type: 'layers', diff_ids: ids },
  });
  const blob = await writeBytes(store, mediaType, layer, []);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.dockerManifest,
    config: plain(config),
    layers: [plain(blob)],
  };
  const child = await document(store, MEDIA_TYPE.dockerManifest, manifest, [config, blob]);
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.dockerIndex,
    manifests: [{ ...plain(child), platform: AMD }],
  };
  return { target: await document(store, MEDIA_TYPE.dockerIndex, index, [child]), config, blob };
}

const ARCHIVE = Buffer.from('an archive '.repeat(10_000));

test("Docker's media types become OCI's, and no layer is written for that", async () => {
  await using content = await labelledStore();
  const { target, config, blob } = await dockerImage(content, gzipSync(ARCHIVE), MEDIA_TYPE.dockerLayerGzip);
  const blobs = (await content.digests()).length;
  const { descriptor, converted } = await convertImage({ content, target, oci: true });
  expect(converted).toBe(0);
  expect(descriptor.mediaType).toBe(MEDIA_TYPE.ociIndex);
  const { descriptor: child, manifest } = await chooseManifest(content, descriptor, AMD);
  expect(child.mediaType).toBe(MEDIA_TYPE.ociManifest);
  expect(manifest.config).toEqual({ ...config, mediaType: MEDIA_TYPE.ociConfig });
  expect(manifest.layers).toEqual([{ ...blob, mediaType: MEDIA_TYPE.ociLayerGzip }]);
  expect(await jsonOf(content, child)).toMatchObject({ mediaType: MEDIA_TYPE.ociManifest });
  expect(await content.digests()).toHaveLength(blobs + 2);
});

test("Docker's media types stay where they do, and can't with zstd", async () => {
  await using content = await labelledStore();
  const { target } = await dockerImage(content, gzipSync(ARCHIVE), MEDIA_TYPE.dockerLayerGzip);
  const types = async (options: Partial<ConvertOptions>) => {
    const { descriptor } = await convertImage({ content, target, ...options });
    return [descriptor.mediaType, ...(await layersIn(content, descriptor)).map(({ mediaType }) => mediaType)];
  };
  expect(await types({ compression: 'none' })).toEqual([MEDIA_TYPE.dockerIndex, MEDIA_TYPE.dockerLayer]);
  expect(await types({ compression: 'zstd' })).toEqual([MEDIA_TYPE.ociIndex, MEDIA_TYPE.ociLayerZstd]);
});

test('a layer that is not compressed as its type says is called by what it is', async () => {
  await using content = await labelledStore();
  const { target, blob } = await dockerImage(content, ARCHIVE, MEDIA_TYPE.dockerLayerGzip);
  const { descriptor, reused } = await convertImage({ content, target, compression: 'none' });
  expect(reused).toBe(1);
  expect(await layersIn(content, descriptor)).toEqual([{ ...blob, mediaType: MEDIA_TYPE.dockerLayer }]);
});

const half = ARCHIVE.length / 2;
const IN_PARTS: ReadonlyArray<[string, Buffer]> = [
  ['members of gzip', Buffer.concat([gzipSync(ARCHIVE.subarray(0, half)), gzipSync(ARCHIVE.subarray(half))])],
  [
    'frames of zstd, one to be skipped',
    Buffer.concat([
      zstdCompressSync(ARCHIVE.subarray(0, half)),
      Buffer.from('502a4d1803000000616263', 'hex'),
      zstdCompressSync(ARCHIVE.subarray(half)),
    ]),
  ],
];

test.each(IN_PARTS)('a layer in several %s is one archive', async (_, bytes) => {
  await using content = await labelledStore();
  const { target } = await dockerImage(content, bytes, MEDIA_TYPE.dockerLayerGzip);
  const { descriptor } = await convertImage({ content, target, compression: 'none' });
  expect((await layersIn(content, descriptor))[0]?.digest).toBe(digestOf(ARCHIVE));
});

const DAMAGES: ReadonlyArray<[string, Buffer, string | undefined, string]> = [
  ['is another than its config says', gzipSync(ARCHIVE), digestOf('another'), 'failed_precondition'],
  ['ends early', gzipSync(ARCHIVE).subarray(0, 60), undefined, 'invalid_argument'],
  ['is damaged', Buffer.from(gzipSync(ARCHIVE)).fill(0xff, 30, 60), undefined, 'invalid_argument'],
];

test.each(DAMAGES)('a layer that %s fails, and leaves nothing', async (_, bytes, diffId, kind) => {
  await using content = await labelledStore();
  const { target } = await dockerImage(content, bytes, MEDIA_TYPE.dockerLayerGzip, diffId);
  const before = await content.digests();
  await expect(convertImage({ content, target, compression: 'zstd' })).rejects.toMatchObject({ kind });
  expect(await content.digests()).toEqual(before);
  expect(await content.refs()).toEqual([]);
});

test('layers are converted so many at a time, each bounded by how fast it is written; an abort leaves nothing', async () => {
  await using store = await labelledStore();
  const layers = Array.from({ length: 3 }, () => [{ path: 'noise', data: randomBytes(8_000_000) }]);
  const target = await buildImage(store, { platform: AMD, layers, compression: 'none' });
  const before = await store.digests();
  let [open, most, read] = [0, 0, 0];
  const opened = Promise.withResolvers<void>();
  const content: ContentStore = {
    ...store,
    async writer(options) {
      most = Math.max(most, ++open);
      const writer = await store.writer(options);
      if (open === 2) opened.resolve();
      return {
        ...writer,
        // Until it is aborted, nothing gets through.
        write: (_, { signal } = {}) =>
          new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
        async [Symbol.asyncDispose]() {
          open--;
          await writer[Symbol.asyncDispose]();
        },
      };
    },
    async *read(digest, range, options) {
      for await (const chunk of store.read(digest, range, options)) {
        read += chunk.byteLength;
        yield chunk;
      }
    },
  };
  const stop = new AbortController();
  const reason = new Error('enough');
  const converting = convertImage({
    content,
    target,
    compression: 'zstd',
    concurrency: 2,
    signal: stop.signal,
  });
  const outcome = converting.catch((e: unknown) => e);
  await opened.promise;
  await sleep(300);
  expect(most).toBe(2);
  // Of the two that are under way, what fits into the pieces between reading and writing.
  expect(read).toBeLessThan(8_000_000);
  stop.abort(reason);
  expect(await outcome).toBe(reason);
  expect(open).toBe(0);
  expect(await store.digests()).toEqual(before);
  expect(await store.refs()).toEqual([]);
});

test.each([
  [{ level: 3 }, 'nothing to compress'],
  [{ level: 3, compression: 'none' as const }, 'nothing to compress'],
  [{ level: 10, compression: 'gzip' as const }, '0 to 9'],
  [{ level: 0, compression: 'zstd' as const }, '1 to 22'],
  [{ level: 1.5, compression: 'gzip' as const }, '0 to 9'],
])('the level of %j is none', async (options, message) => {
  await using content = await labelledStore();
  const target = await imageOf(content);
  await expect(convertImage({ content, target, ...options })).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining(message),
  });
});

test('a higher level makes less of it', async () => {
  await using content = await labelledStore();
  const target = await imageOf(content, AMD, 'none');
  const sizes = [];
  for (const level of [1, 9]) {
    const { descriptor } = await convertImage({ content, target, compression: 'gzip', level });
    const children = await layersIn(content, descriptor);
    sizes.push(children.reduce((sum, { size }) => sum + size, 0n));
  }
  expect(sizes[1]).toBeLessThan(sizes[0] ?? 0n);
});
