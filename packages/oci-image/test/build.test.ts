import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { type Descriptor, digestOf, MEDIA_TYPE } from '@stowage/core';
import { must, tempDir } from '@stowage/testing';
import { buildImage, chooseManifest, readConfig, writeArchive } from '../src/index.ts';
import { bytesOf, type LabelledStore, labelledStore } from './support/store.ts';

const linux = { os: 'linux', architecture: 'amd64' } as const;
const tiny = [[{ path: 'x', data: 'y' }]];

const layersOf = async (content: LabelledStore, target: Descriptor) =>
  (await chooseManifest(content, target, linux)).manifest.layers;

async function layerFile(content: LabelledStore, target: Descriptor, dir: string): Promise<string> {
  const [layer] = await layersOf(content, target);
  if (layer === undefined) throw new Error('no layer');
  const file = join(dir, 'layer.tar');
  await writeFile(file, await bytesOf(content.read(layer.digest)));
  return file;
}

test('an image of files is complete, labelled, and the same each time', async () => {
  await using content = await labelledStore();
  const options = {
    platform: linux,
    layers: [
      [
        { path: '/bin/hello', data: '#!/bin/sh\n', mode: 0o755 },
        { path: 'bin/hi', link: 'hello' },
        { path: 'tmp', directory: true, mode: 0o1777 },
      ],
      [{ path: 'etc/motd', data: 'hi', uid: 5, gid: 6 }],
    ],
    config: {
      Cmd: ['/bin/hello'],
      Env: ['A=1'],
      User: '5:6',
      WorkingDir: '/tmp',
      ExposedPorts: { '80/tcp': {} },
      Labels: { a: 'b' },
    },
  } as const;
  const target = await buildImage(content, options);
  expect(await buildImage(content, options)).toEqual(target);
  expect(target.mediaType).toBe(MEDIA_TYPE.ociIndex);

  const { descriptor, manifest } = await chooseManifest(content, target, linux);
  const config = await readConfig(content, manifest.config);
  expect(config).toMatchObject({ platform: linux, created: '1970-01-01T00:00:00.000Z' });
  expect(config.config).toEqual({
    cmd: ['/bin/hello'],
    entrypoint: [],
    env: ['A=1'],
    user: '5:6',
    workingDir: '/tmp',
    stopSignal: '',
    exposedPorts: ['80/tcp'],
    volumes: [],
    labels: expect.objectContaining({ a: 'b' }),
  });
  for (const [i, layer] of manifest.layers.entries()) {
    const packed = await bytesOf(content.read(layer.digest));
    expect(digestOf(gunzipSync(packed))).toBe(config.diffIds[i]);
    expect(content.labels(layer.digest)).toEqual({ 'containerd.io/uncompressed': config.diffIds[i] });
  }
  expect(content.labels(target.digest)).toEqual({ 'containerd.io/gc.ref.content.m.0': descriptor.digest });
  expect(content.labels(descriptor.digest)).toEqual({
    'containerd.io/gc.ref.content.config': manifest.config.digest,
    'containerd.io/gc.ref.content.l.0': manifest.layers[0]?.digest,
    'containerd.io/gc.ref.content.l.1': manifest.layers[1]?.digest,
  });
});

test('GNU tar reads a layer of files as it was meant', async () => {
  await using content = await labelledStore();
  const long = `${'a'.repeat(90)}/${'b'.repeat(120)}/${'ü'.repeat(60)}`;
  const target = await buildImage(content, {
    compression: 'none',
    layers: [
      [
        { path: 'bin/hello', data: 'hello\n', mode: 0o4755 },
        { path: 'bin/hi', link: 'x'.repeat(150) },
        { path: long, data: 'deep' },
        { path: 'owned', data: '', uid: 3_000_000_000, gid: 7 },
      ],
    ],
  });
  await using dir = await tempDir('layer');
  const file = await layerFile(content, target, dir.path);
  const env = { LC_ALL: 'C.UTF-8' };
  const listing = await must('tar', ['--numeric-owner', '--utc', '-tvf', file], { env });
  expect(listing.trim().replace(/ +/g, ' ').split('\n')).toEqual([
    `drwxr-xr-x 0/0 0 1970-01-01 00:00 ${'a'.repeat(90)}/`,
    `drwxr-xr-x 0/0 0 1970-01-01 00:00 ${'a'.repeat(90)}/${'b'.repeat(120)}/`,
    `-rw-r--r-- 0/0 4 1970-01-01 00:00 ${long}`,
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/',
    '-rwsr-xr-x 0/0 6 1970-01-01 00:00 bin/hello',
    `lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin/hi -> ${'x'.repeat(150)}`,
    '-rw-r--r-- 3000000000/7 0 1970-01-01 00:00 owned',
  ]);
});

test('a directory becomes a layer with its links, devices and modes', async () => {
  await using dir = await tempDir('tree');
  const tree = join(dir.path, 'tree');
  await mkdir(join(tree, 'sub'), { recursive: true, mode: 0o755 });
  await writeFile(join(tree, 'sub/file'), 'x'.repeat(100_000), { mode: 0o640 });
  await link(join(tree, 'sub/file'), join(tree, 'twin'));
  await symlink('sub/file', join(tree, 'soft'));
  await must('mkfifo', [join(tree, 'fifo')]);
  await must('mknod', [join(tree, 'null'), 'c', '1', '3']);
  await must('mknod', [join(tree, 'big'), 'b', '259', '70000']);
  await using content = await labelledStore();
  const file = await layerFile(
    content,
    await buildImage(content, { layers: [{ directory: tree }] }),
    dir.path,
  );
  const out = join(dir.path, 'out');
  await mkdir(out);
  await must('tar', ['-C', out, '-xpzf', file]);
  const find = async (root: string) => {
    const found = await must('find', ['.', '-mindepth', '1', '-printf', '%P %M %s %n %l\\n'], { cwd: root });
    return found
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('sub d'))
      .sort();
  };
  expect(await find(out)).toEqual(await find(tree));
  expect(await must('stat', ['-c', '%t:%T', join(out, 'big')])).toBe('103:11170\n');
});

test.each(['../escape', 'a/../../b', '', '/', '.', 'a\0b'])(
  'path %j leaves the image and is refused',
  async (path) => {
    await using content = await labelledStore();
    const built = buildImage(content, { layers: [[{ path, data: '' }]] });
    await expect(built).rejects.toMatchObject({ kind: 'invalid_argument' });
    expect(await content.refs()).toEqual([]);
  },
);

test('a file that is no file is refused, and nothing stays behind', async () => {
  await using content = await labelledStore();
  const built = buildImage(content, { layers: [[{ path: 'null', source: '/dev/null' }]] });
  await expect(built).rejects.toMatchObject({ kind: 'invalid_argument' });
  expect(await content.refs()).toEqual([]);
  expect(await content.digests()).toEqual([]);
});

test('an archive of images is an OCI layout that GNU tar reads', async () => {
  await using content = await labelledStore();
  const images = [{ name: 'docker.io/library/demo:v1', target: await buildImage(content, { layers: tiny }) }];
  const bytes = await bytesOf(writeArchive(content, images));
  expect(bytes.equals(await bytesOf(writeArchive(content, images)))).toBe(true);
  await using dir = await tempDir('archive');
  const file = join(dir.path, 'a.tar');
  await writeFile(file, bytes);
  const names = (await must('tar', ['-tf', file])).trim().split('\n');
  expect(names.slice(0, 3)).toEqual(['oci-layout', 'index.json', 'manifest.json']);
  expect(names).toHaveLength(3 + 4);
  const index = JSON.parse(await must('tar', ['-xOf', file, 'index.json']));
  expect(index.manifests[0].annotations).toEqual({
    'io.containerd.image.name': 'docker.io/library/demo:v1',
    'org.opencontainers.image.ref.name': 'v1',
  });
});

test('an archive is refused before its first byte if something is missing', async () => {
  await using content = await labelledStore();
  const target = await buildImage(content, { layers: tiny });
  const [layer] = await layersOf(content, target);
  if (layer === undefined) throw new Error('no layer');
  await content.delete(layer.digest);
  await expect(writeArchive(content, [{ target }]).next()).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining(layer.digest),
  });
});
