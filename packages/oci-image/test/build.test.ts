import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { digestOf, MEDIA_TYPE } from '@stowage/core';
import { must, tempDir } from '@stowage/testing';
import { buildImage, chooseManifest, readConfig, writeArchive } from '../src/index.ts';
import { bytesOf, labelledStore } from './support/store.ts';

const linux = { os: 'linux', architecture: 'amd64' } as const;

test('an image of files is complete, labelled, and the same each time', async () => {
  await using content = await labelledStore();
  const options = {
    name: 'docker.io/library/demo:latest',
    platform: linux,
    layers: [
      {
        files: [
          { path: '/bin/hello', content: '#!/bin/sh\n', mode: 0o755 },
          { path: 'bin/hi', symlink: 'hello' },
          { path: 'tmp', directory: true, mode: 0o1777 },
        ],
      },
      { files: [{ path: 'etc/motd', content: 'hi', uid: 5, gid: 6 }] },
    ],
    config: { cmd: ['/bin/hello'], env: ['A=1'], user: '5:6', workingDir: '/tmp', exposedPorts: ['80/tcp'] },
  } as const;
  const image = await buildImage(content, options);
  expect(await buildImage(content, options)).toEqual(image);
  expect(image.target.mediaType).toBe(MEDIA_TYPE.ociIndex);

  const { manifest } = await chooseManifest(content, image.target, linux);
  const config = await readConfig(content, manifest.config);
  expect(config).toMatchObject({
    platform: linux,
    created: '1970-01-01T00:00:00.000Z',
    diffIds: image.diffIds,
    config: { cmd: ['/bin/hello'], env: ['A=1'], user: '5:6', workingDir: '/tmp', exposedPorts: ['80/tcp'] },
  });
  for (const [i, layer] of manifest.layers.entries()) {
    const packed = await bytesOf(content.read(layer.digest));
    expect(digestOf(gunzipSync(packed))).toBe(image.diffIds[i]);
    expect(content.labels(layer.digest)).toEqual({ 'containerd.io/uncompressed': image.diffIds[i] });
  }
  expect(content.labels(image.target.digest)).toEqual({
    'containerd.io/gc.ref.content.m.0': image.manifest.digest,
  });
  expect(content.labels(image.manifest.digest)).toEqual({
    'containerd.io/gc.ref.content.config': image.config.digest,
    'containerd.io/gc.ref.content.l.0': image.layers[0]?.digest,
    'containerd.io/gc.ref.content.l.1': image.layers[1]?.digest,
  });
});

test('GNU tar reads a layer of files as it was meant', async () => {
  await using content = await labelledStore();
  const long = `${'a'.repeat(90)}/${'b'.repeat(120)}/${'ü'.repeat(60)}`;
  const { layers } = await buildImage(content, {
    compression: 'none',
    layers: [
      {
        files: [
          { path: 'bin/hello', content: 'hello\n', mode: 0o4755 },
          { path: 'bin/hi', symlink: 'x'.repeat(150) },
          { path: long, content: 'deep' },
          { path: 'owned', content: '', uid: 3_000_000_000, gid: 7 },
        ],
      },
    ],
  });
  await using dir = await tempDir('layer');
  const file = join(dir.path, 'layer.tar');
  await writeFile(file, await bytesOf(content.read(layers[0]?.digest as never)));
  const listing = await must('tar', ['--numeric-owner', '--utc', '-tvf', file], {
    env: { LC_ALL: 'C.UTF-8' },
  });
  const lines = listing
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' '));
  expect(lines).toEqual([
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
  const { layers } = await buildImage(content, { layers: [{ directory: tree }] });
  const file = join(dir.path, 'layer.tar.gz');
  await writeFile(file, await bytesOf(content.read(layers[0]?.digest as never)));
  const out = join(dir.path, 'out');
  await mkdir(out);
  await must('tar', ['-C', out, '-xpzf', file]);
  const find = (root: string) =>
    must('find', ['.', '-mindepth', '1', '-printf', '%P %M %s %n %l\\n'], { cwd: root });
  const clean = (text: string) =>
    text
      .split('\n')
      .sort()
      .filter((l) => !l.startsWith('sub d'))
      .join('\n');
  expect(clean(await find(out))).toBe(clean(await find(tree)));
  expect(await must('stat', ['-c', '%t:%T', join(out, 'big')])).toBe('103:11170\n');
  expect(await must('tar', ['-tzf', file])).not.toContain('..');
});

test.each(['../escape', 'a/../../b', '', '/', '.', 'a\0b'])(
  'path %j leaves the image and is refused',
  async (path) => {
    await using content = await labelledStore();
    const built = buildImage(content, { layers: [{ files: [{ path, content: '' }] }] });
    await expect(built).rejects.toMatchObject({ kind: 'invalid_argument' });
    expect(await content.refs()).toEqual([]);
  },
);

test('a file that is no file is refused, and nothing stays behind', async () => {
  await using content = await labelledStore();
  const built = buildImage(content, { layers: [{ files: [{ path: 'null', file: '/dev/null' }] }] });
  await expect(built).rejects.toMatchObject({ kind: 'invalid_argument' });
  expect(await content.refs()).toEqual([]);
  expect(await content.digests()).toEqual([]);
});

test('an archive of images is an OCI layout that GNU tar reads', async () => {
  await using content = await labelledStore();
  const image = await buildImage(content, {
    name: 'docker.io/library/demo:v1',
    layers: [{ files: [{ path: 'x', content: 'y' }] }],
  });
  const bytes = await bytesOf(writeArchive(content, [image]));
  expect(await bytesOf(writeArchive(content, [image]))).toEqual(bytes);
  await using dir = await tempDir('archive');
  await writeFile(join(dir.path, 'a.tar'), bytes);
  const names = (await must('tar', ['-tf', join(dir.path, 'a.tar')])).trim().split('\n');
  expect(names.slice(0, 3)).toEqual(['oci-layout', 'index.json', 'manifest.json']);
  expect(names).toHaveLength(3 + 4);
  const index = JSON.parse(await must('tar', ['-xOf', join(dir.path, 'a.tar'), 'index.json']));
  expect(index.manifests[0].annotations).toEqual({
    'io.containerd.image.name': 'docker.io/library/demo:v1',
    'org.opencontainers.image.ref.name': 'v1',
  });
});

test('an archive is refused before its first byte if something is missing', async () => {
  await using content = await labelledStore();
  const image = await buildImage(content, { layers: [{ files: [{ path: 'x', content: 'y' }] }] });
  await content.delete(image.layers[0]?.digest as never);
  const archive = writeArchive(content, [image]);
  await expect(archive.next()).rejects.toMatchObject({
    kind: 'not_found',
    message: expect.stringContaining(image.layers[0]?.digest ?? '?'),
  });
});
