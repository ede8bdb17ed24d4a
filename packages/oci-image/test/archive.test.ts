import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { type Descriptor, digestOf, hexOf, hostPlatform, LABEL, MEDIA_TYPE } from '@stowage/core';
import { must, tempDir } from '@stowage/testing';
import {
  buildImage,
  chooseManifest,
  importArchive,
  MAX_ARCHIVE_JSON_BYTES,
  readArchive,
  readConfig,
  writeArchive,
} from '../src/index.ts';
import { type TarItem, writeTar } from '../src/tar-write.ts';
import { openHouse } from './support/house.ts';
import { bytesOf, chunked, type LabelledStore, labelledStore } from './support/store.ts';

const name = 'docker.io/library/demo:v1';
const host = hostPlatform();
const layers = [[{ path: 'x', data: 'y' }], [{ path: 'z', data: 'z'.repeat(70_000) }]];

/** An archive with one image, and what is in it by path. */
async function demo(): Promise<{
  readonly target: Descriptor;
  readonly bytes: Buffer;
  files(): Promise<Map<string, Buffer>>;
}> {
  await using content = await labelledStore();
  const target = await buildImage(content, { layers, config: { Cmd: ['x'] } });
  const bytes = await bytesOf(writeArchive(content, [{ name, target }]));
  return { target, bytes, files: () => unpacked(bytes) };
}

async function unpacked(bytes: Buffer): Promise<Map<string, Buffer>> {
  await using dir = await tempDir('unpacked');
  execFileSync('tar', ['-x', '-C', dir.path], { input: bytes });
  const paths = (await must('find', ['.', '-type', 'f', '-printf', '%P\\n'], { cwd: dir.path }))
    .trim()
    .split('\n');
  const files = new Map<string, Buffer>();
  for (const path of paths.sort())
    files.set(path, execFileSync('cat', [join(dir.path, path)], { maxBuffer: 1 << 28 }));
  return files;
}

/** What GNU tar makes of these files, in this order. */
async function gnuTar(
  files: Iterable<readonly [string, Uint8Array | string]>,
  ...options: string[]
): Promise<Buffer> {
  await using dir = await tempDir('gnu');
  const paths = [];
  for (const [path, bytes] of files) {
    await mkdir(join(dir.path, dirname(path)), { recursive: true });
    await writeFile(join(dir.path, path), bytes);
    paths.push(path);
  }
  return execFileSync('tar', ['-c', '-C', dir.path, ...options, ...paths], { maxBuffer: 1 << 28 });
}

const item = (path: string, bytes: Uint8Array | string, more: Partial<TarItem> = {}): TarItem => {
  const body = Buffer.from(bytes);
  return { path, type: 'File', mode: 0o644, sizeBytes: body.byteLength, body: chunked(body), ...more };
};

async function complete(content: LabelledStore, target: Descriptor): Promise<void> {
  const { manifest } = await chooseManifest(content, target, host);
  expect((await readConfig(content, manifest.config)).config.cmd).toEqual(['x']);
  for (const { digest } of manifest.layers)
    expect(digestOf(await bytesOf(content.read(digest)))).toBe(digest);
}

test('what was written is read, named and labelled as it was', async () => {
  const { target, bytes } = await demo();
  await using content = await labelledStore();
  expect(await importArchive(chunked(bytes), content)).toEqual([{ name, target }]);
  await complete(content, target);
  const { descriptor, manifest } = await chooseManifest(content, target, host);
  expect(content.labels(target.digest)).toEqual({ 'containerd.io/gc.ref.content.m.0': descriptor.digest });
  expect(content.labels(descriptor.digest)).toMatchObject({
    'containerd.io/gc.ref.content.config': manifest.config.digest,
    'containerd.io/gc.ref.content.l.1': manifest.layers[1]?.digest,
  });
  expect(await content.refs()).toEqual([]);
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['gzip', (b) => gzipSync(b)],
  ['zstd', (b) => zstdCompressSync(b)],
])('an archive packed with %s', async (_, pack) => {
  const { target, bytes } = await demo();
  await using content = await labelledStore();
  expect(await importArchive(chunked(pack(bytes), 100), content)).toEqual([{ name, target }]);
});

test.each([
  ['as GNU tar likes it', []],
  ['with PAX headers', ['--format=pax']],
  ['as ustar', ['--format=ustar']],
  ['with names that begin with a dot', ['--transform=s,^,./,']],
])('an archive of GNU tar in the reverse order, %s', async (_, options) => {
  const { target, files } = await demo();
  const reversed = [...(await files())].reverse();
  await using content = await labelledStore();
  expect(await importArchive(chunked(await gnuTar(reversed, ...options)), content)).toEqual([
    { name, target },
  ]);
  await complete(content, target);
});

test('any way of cutting the stream is as good', async () => {
  const { target, bytes } = await demo();
  await using content = await labelledStore();
  for (const size of [1, 511, 512, 513, 1_000_000]) {
    if (size === 1 && bytes.byteLength > 100_000) continue;
    expect(await importArchive(chunked(bytes, size), content)).toEqual([{ name, target }]);
  }
});

test('images are made, and pointed elsewhere if they are there', async () => {
  const { target, bytes } = await demo();
  await using house = await openHouse();
  const { images, content } = house;
  await images.create({ name, target: { ...target, size: 1n }, labels: { old: 'kept' } });
  await importArchive(chunked(bytes), content, { images, labels: { new: 'added' } });
  expect(await images.get(name)).toMatchObject({ target, labels: { old: 'kept', new: 'added' } });
  await house.metadata.collect();
  const { manifest } = await chooseManifest(content, target, host);
  expect((await content.info(manifest.layers[1]?.digest ?? target.digest)).sizeBytes).toBe(
    manifest.layers[1]?.size,
  );
});

test('names can be given', async () => {
  const { target, files } = await demo();
  const plain = await files();
  const index = JSON.parse(plain.get('index.json')?.toString() ?? '');
  index.manifests[0].annotations = { 'org.opencontainers.image.ref.name': 'v9', other: 'kept' };
  plain.set('index.json', Buffer.from(JSON.stringify(index)));
  const bytes = await gnuTar(plain);
  await using content = await labelledStore();
  expect(await importArchive(chunked(bytes), content)).toEqual([]);
  expect(await importArchive(chunked(bytes), content, { namePrefix: 'localhost/x' })).toEqual([
    { name: 'localhost/x:v9', target: { ...target, annotations: { other: 'kept' } } },
  ]);
  const [first, second] = await importArchive(chunked(bytes), content, { name: 'a/b:c' });
  expect([first?.name, first?.target.digest, second]).toEqual(['a/b:c', target.digest, undefined]);
  const indexed = await importArchive(chunked(bytes), content, { indexName: 'whole' });
  expect(indexed).toEqual([
    { name: 'whole', target: expect.objectContaining({ mediaType: MEDIA_TYPE.ociIndex }) },
  ]);
  expect((await readArchive(chunked(bytes), content)).manifests).toHaveLength(1);
});

test('an archive of several platforms that lacks one is read without it', async () => {
  await using source = await labelledStore();
  const platforms = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 's390x' },
  ] as const;
  const manifests = [];
  for (const platform of platforms) {
    const target = await buildImage(source, { platform, layers });
    const { size, ...rest } = (await chooseManifest(source, target, platform)).descriptor;
    manifests.push({ ...rest, size: Number(size) });
  }
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }));
  const target = { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(index), size: BigInt(index.byteLength) };
  {
    await using writer = await source.writer({ ref: 'index' });
    await writer.write(index);
    await writer.commit();
  }
  const all = await bytesOf(writeArchive(source, [{ name, target }]));
  const one = await bytesOf(writeArchive(source, [{ name, target }], { platforms: [platforms[1]] }));
  expect(one.byteLength).toBeLessThan(all.byteLength);
  await using content = await labelledStore();
  expect(await importArchive(chunked(one), content)).toEqual([{ name, target }]);
  await chooseManifest(content, target, platforms[1]);
  await expect(chooseManifest(content, target, platforms[0])).rejects.toMatchObject({ kind: 'not_found' });
});

test('an archive that would hold nothing is refused before its first byte, by the name of the image', async () => {
  await using content = await labelledStore();
  const platform = { os: 'linux', architecture: 'amd64' };
  const target = await buildImage(content, { platform, layers: [[{ path: 'x', data: 'x' }]] });
  const arm = { os: 'linux', architecture: 'arm64' };
  const { size, ...rest } = target;
  const index = Buffer.from(
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...rest, size: Number(size), platform }] }),
  );
  const of = { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(index), size: BigInt(index.byteLength) };
  {
    await using writer = await content.writer({ ref: 'index' });
    await writer.write(index);
    await writer.commit();
  }
  await expect(
    writeArchive(content, [{ name, target: of }], { platforms: [arm] }).next(),
  ).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringMatching(new RegExp(`^export "${name}": .*linux/arm64.*it has only linux/amd64`)),
  });
  await expect(writeArchive(content, [{ target: of }], { platforms: [] }).next()).rejects.toMatchObject({
    kind: 'not_found',
  });
  await expect(writeArchive(content, []).next()).rejects.toMatchObject({ kind: 'invalid_argument' });
});

const config = (diffIds: readonly string[]) =>
  JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    config: { Cmd: ['x'] },
    rootfs: { diff_ids: diffIds },
  });

test('what docker save wrote, with layers as links and packed layers', async () => {
  const one = await bytesOf(writeTar([item('x', 'y')]));
  const two = await bytesOf(writeTar([item('z', 'z')]));
  const ids = [digestOf(one), digestOf(two), digestOf(one)];
  const text = config(ids);
  const [a, b, c] = ['a', 'b', 'c'].map((char) => char.repeat(64));
  await using dir = await tempDir('docker');
  const files: [string, Uint8Array | string][] = [
    [
      'manifest.json',
      JSON.stringify([
        {
          Config: `${hexOf(digestOf(text))}.json`,
          RepoTags: ['busybox:1', 'localhost:5000/mine:2', 'someone/thing'],
          Layers: [`${a}/layer.tar`, `${b}/layer.tar`, `${c}/layer.tar`],
        },
      ]),
    ],
    [`${hexOf(digestOf(text))}.json`, text],
    ['repositories', '{}'],
    [`${a}/VERSION`, '1.0'],
    [`${a}/json`, '{}'],
    [`${a}/layer.tar`, one],
    [`${b}/layer.tar`, gzipSync(two)],
  ];
  for (const [path, bytes] of files) {
    await mkdir(join(dir.path, dirname(path)), { recursive: true });
    await writeFile(join(dir.path, path), bytes);
  }
  await mkdir(join(dir.path, c ?? ''));
  await symlink(`../${a}/layer.tar`, join(dir.path, c ?? '', 'layer.tar'));
  const archive = execFileSync('tar', ['-c', '-C', dir.path, '.']);

  await using content = await labelledStore();
  const images = await importArchive(chunked(archive), content);
  expect(images.map((image) => image.name)).toEqual([
    'docker.io/library/busybox:1',
    'localhost:5000/mine:2',
    'docker.io/someone/thing:latest',
  ]);
  const [image] = images;
  if (image === undefined) throw new Error('no image');
  expect(image.target).toMatchObject({ mediaType: MEDIA_TYPE.dockerManifest, platform: { os: 'linux' } });
  const { manifest } = await chooseManifest(content, image.target, host);
  expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
    MEDIA_TYPE.dockerLayer,
    MEDIA_TYPE.dockerLayerGzip,
    MEDIA_TYPE.dockerLayer,
  ]);
  expect(manifest.layers[2]?.digest).toBe(manifest.layers[0]?.digest);
  expect(digestOf(gunzipSync(await bytesOf(content.read(manifest.layers[1]?.digest ?? digestOf('')))))).toBe(
    ids[1],
  );
  expect(content.labels(image.target.digest)).toMatchObject({ [`${LABEL.gcRefContent}.l.0`]: digestOf(one) });
  expect(await content.digests()).toHaveLength(5);
});

const digest = digestOf('x');
const good = '{"imageLayoutVersion":"1.0.0"}';
const empty = '{"schemaVersion":2,"manifests":[]}';
const pointing = (mediaType: string, at = digest, size = 1) =>
  JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest: at, size }] });
const manifestText = JSON.stringify({
  config: { mediaType: MEDIA_TYPE.ociConfig, digest, size: 1 },
  layers: [],
});
const ambiguous = JSON.stringify({ ...JSON.parse(manifestText), manifests: [] });
const blobPath = (text: string) => `blobs/sha256/${hexOf(digestOf(text))}`;

test.each<[string, readonly TarItem[] | Uint8Array, string]>([
  ['nothing', Buffer.alloc(0), 'invalid_argument'],
  ['an empty archive', [], 'invalid_argument'],
  ['no archive', Buffer.alloc(5000, 'x'), 'invalid_argument'],
  ['another archive', [item('some/file', 'x')], 'invalid_argument'],
  [
    'an unknown version',
    [item('oci-layout', '{"imageLayoutVersion":"2.0.0"}'), item('index.json', empty)],
    'invalid_argument',
  ],
  ['no version', [item('oci-layout', '{}'), item('index.json', empty)], 'invalid_argument'],
  ['no index', [item('oci-layout', good)], 'invalid_argument'],
  ['a broken index', [item('oci-layout', good), item('index.json', '{')], 'invalid_argument'],
  [
    'two indexes',
    [item('oci-layout', good), item('index.json', empty), item('index.json', empty)],
    'invalid_argument',
  ],
  ['the same blob twice', [item(blobPath('x'), 'x'), item(blobPath('x'), 'x')], 'invalid_argument'],
  [
    'a blob that is another',
    [item(blobPath('x'), 'y'), item('oci-layout', good), item('index.json', empty)],
    'invalid_argument',
  ],
  [
    'an index that is a manifest too',
    [item('oci-layout', good), item('index.json', ambiguous)],
    'invalid_argument',
  ],
  [
    'a manifest that is an index too',
    [
      item(blobPath(ambiguous), ambiguous),
      item(blobPath('x'), 'x'),
      item('oci-layout', good),
      item('index.json', pointing(MEDIA_TYPE.ociManifest, digestOf(ambiguous), ambiguous.length)),
    ],
    'invalid_argument',
  ],
  [
    'a manifest called an index',
    [
      item(blobPath(manifestText), manifestText),
      item('oci-layout', good),
      item('index.json', pointing(MEDIA_TYPE.ociIndex, digestOf(manifestText), manifestText.length)),
    ],
    'invalid_argument',
  ],
  [
    'a manifest of another length',
    [
      item(blobPath(manifestText), manifestText),
      item('oci-layout', good),
      item('index.json', pointing(MEDIA_TYPE.ociManifest, digestOf(manifestText), 5)),
    ],
    'invalid_argument',
  ],
  [
    'a manifest whose config is missing',
    [
      item(blobPath(manifestText), manifestText),
      item('oci-layout', good),
      item('index.json', pointing(MEDIA_TYPE.ociManifest, digestOf(manifestText), manifestText.length)),
    ],
    'not_found',
  ],
  ['a docker manifest that is no list', [item('manifest.json', '{}')], 'invalid_argument'],
  ['a docker manifest without a config', [item('manifest.json', '[{}]')], 'invalid_argument'],
  ['a docker config that is missing', [item('manifest.json', '[{"Config":"x"}]')], 'invalid_argument'],
  ['__proto__ as a config', [item('manifest.json', '[{"Config":"__proto__"}]')], 'invalid_argument'],
  [
    'docker layers that are not those of the config',
    [item('manifest.json', '[{"Config":"c","Layers":["l"]}]'), item('c', config([])), item('l', 'x')],
    'invalid_argument',
  ],
  [
    'a layer that is a link to itself',
    [
      item('manifest.json', '[{"Config":"c","Layers":["l"]}]'),
      item('c', config([digest])),
      { path: 'l', type: 'SymbolicLink', mode: 0o777, linkPath: 'm' },
      { path: 'm', type: 'SymbolicLink', mode: 0o777, linkPath: 'l' },
    ],
    'invalid_argument',
  ],
])('%s is refused, and no ingest stays', async (_, source, kind) => {
  const bytes = source instanceof Uint8Array ? source : await bytesOf(writeTar(source));
  await using content = await labelledStore();
  await expect(importArchive(chunked(bytes), content)).rejects.toMatchObject({ kind });
  expect(await content.refs()).toEqual([]);
});

test('an archive cut anywhere is refused, but for its padding', async () => {
  const { bytes } = await demo();
  await using content = await labelledStore();
  for (const length of [1, 100, 511, 513, 3000, bytes.byteLength - 1200]) {
    await expect(importArchive(chunked(bytes.subarray(0, length)), content)).rejects.toMatchObject({
      kind: 'invalid_argument',
    });
  }
  expect(await importArchive(chunked(bytes.subarray(0, bytes.byteLength - 512)), content)).toHaveLength(1);
  expect(await content.refs()).toEqual([]);
});

test.each<[string, Buffer]>([
  ['gzip', gzipSync(Buffer.alloc(5000, 'x')).subarray(0, 20)],
  ['zstd', zstdCompressSync(Buffer.alloc(5000, 'x')).subarray(0, 12)],
  ['gzip that is none', Buffer.concat([Buffer.of(0x1f, 0x8b), Buffer.alloc(100, 7)])],
])('damaged %s is refused', async (_, bytes) => {
  await using content = await labelledStore();
  await expect(importArchive(chunked(bytes), content)).rejects.toMatchObject({ kind: 'invalid_argument' });
});

// CVE-2023-25153.
test.each(['index.json', 'manifest.json', 'oci-layout'])(
  '%s of 21 MiB or 4 GiB is refused unread',
  async (path) => {
    for (const sizeBytes of [MAX_ARCHIVE_JSON_BYTES + 1, 4 * 1024 ** 3]) {
      let read = 0;
      const body = (async function* () {
        for (; read < sizeBytes; read += 65_536) yield Buffer.alloc(65_536);
      })();
      await using content = await labelledStore();
      const archive = writeTar([{ path, type: 'File', mode: 0o644, sizeBytes, body }]);
      await expect(importArchive(archive, content)).rejects.toMatchObject({ kind: 'invalid_argument' });
      expect(read).toBeLessThan(1024 * 1024);
    }
  },
);

test('a header with a body beyond what a header may have is refused', async () => {
  const header = execFileSync('tar', ['-c', '--format=pax', '-T', '/dev/null']);
  expect(header.byteLength).toBeGreaterThan(0);
  await using content = await labelledStore();
  const long = await bytesOf(writeTar([item('x'.repeat(2 * 1024 * 1024), '')]));
  await expect(importArchive(chunked(long, 65_536), content)).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('aborting rejects with the reason and leaves no ingest', async () => {
  const { bytes } = await demo();
  await using content = await labelledStore();
  const stop = new AbortController();
  const reason = new Error('enough');
  const slow = (async function* () {
    for await (const chunk of chunked(bytes, 4096)) {
      yield chunk;
      if (chunk.byteLength > 0) setTimeout(() => stop.abort(reason), 2);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  await expect(importArchive(slow, content, { signal: stop.signal })).rejects.toBe(reason);
  expect(await content.refs()).toEqual([]);
});

test('a source that fails is heard, and leaves no ingest', async () => {
  const { bytes } = await demo();
  await using content = await labelledStore();
  const broken = new Error('the disk broke');
  const failing = (async function* () {
    yield bytes.subarray(0, bytes.byteLength - 5000);
    throw broken;
  })();
  await expect(importArchive(failing, content)).rejects.toBe(broken);
  expect(await content.refs()).toEqual([]);
});
