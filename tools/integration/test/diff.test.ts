import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { readBlob, writeBlob } from '@stowage/content';
import { type Descriptor, digestOf, LABEL, MEDIA_TYPE, parseDigest } from '@stowage/core';
import { demoArchive, must, mustCtr, type Program, startContainerd } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const IMAGE = 'example.org/demo:1';
let containerd: (Program & { readonly address: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await containerd?.[Symbol.asyncDispose]();
});

const suite = withDaemon('diff');
const c = (...args: string[]) => mustCtr(suite.daemon.address, args);

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  for (const address of [suite.daemon.address, containerd.address]) {
    await mustCtr(address, ['images', 'import', archive]);
  }
}, 120_000);

/** What a task does to the image's files. */
const CHANGES = `
set -e
rm bin/od etc/passwd
mkdir -p new/deep replaced opt/gone
echo 1 > new/deep/file; ln new/deep/file new/other; ln -s deep new/link; mkfifo new/fifo; mknod new/null c 1 3
echo more >> bin/busybox
chmod 4711 new/deep/file; chown 12345:54321 new/link new/deep -h
setfattr -n user.note -v x new/deep/file 2>/dev/null || true
rm -r opt/gone
rm -r etc; mkdir etc; echo fresh > etc/group
rm bin/wc; mkdir bin/wc; echo inside > bin/wc/x
touch -h -d @1500000000 new/deep/file new/link new/fifo bin/wc/x etc/group
chmod 700 bin
`;

/** Makes a changed snapshot of the image. */
async function change(address: string, name: string): Promise<void> {
  const target = join(suite.dir, `mnt-${name}`);
  await mkdir(target, { recursive: true });
  const parent = (await mustCtr(address, ['snapshots', 'ls']))
    .split('\n')
    .find((line) => /Committed/.test(line));
  await mustCtr(address, ['snapshots', 'prepare', name, parent?.split(' ')[0] ?? '']);
  await must('sh', ['-c', await mustCtr(address, ['snapshots', 'mounts', target, name])]);
  try {
    await must('sh', ['-c', CHANGES], { cwd: target });
  } finally {
    await must('umount', [target]);
  }
}

/** As GNU tar lists it, without times, which containerd cuts off at the second; hard links without their sizes. */
async function listed(address: string, ref: string): Promise<string[]> {
  const file = join(suite.dir, `${ref}.tar.gz`);
  const diff = `exec ctr --address "$1" snapshots diff --keep --ref "$2" "$3" > "$4"`;
  await must('sh', ['-c', diff, 'sh', address, ref, 'work', file]);
  const listing = await must('tar', ['--numeric-owner', '-tvzf', file]);
  return listing
    .trim()
    .split('\n')
    .map((line) => line.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, ' ').replace(/\s+/g, ' '))
    .sort();
}

test('a diff of a snapshot has the entries that containerd gives it', async () => {
  const theirs = containerd?.address ?? '';
  for (const address of [suite.daemon.address, theirs]) await change(address, 'work');
  const ours = await listed(suite.daemon.address, 'ours');
  expect(ours).toEqual(await listed(theirs, 'theirs'));
  expect(ours.length).toBeGreaterThan(15);
  // Twice the same, and the label that tells what it is without compression.
  await listed(suite.daemon.address, 'again');
  const file = join(suite.dir, 'ours.tar.gz');
  await must('cmp', [file, join(suite.dir, 'again.tar.gz')]);
  const diffId = (await must('sh', ['-c', `gzip -dc ${file} | sha256sum`])).split(' ')[0];
  expect(await c('content', 'ls')).toContain(`${LABEL.uncompressed}=sha256:${diffId}`);
}, 120_000);

test('what is committed to an image is there when it runs', async () => {
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  const { content, images } = client.services;
  const document = async (digest: string) =>
    JSON.parse(Buffer.from(await readBlob(content, { digest: parseDigest(digest) })).toString());
  const write = async (value: object, mediaType: string, refs: readonly string[]): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify(value));
    const descriptor = { mediaType, digest: digestOf(bytes), size: BigInt(bytes.length) };
    const labels = Object.fromEntries(refs.map((ref, i) => [`containerd.io/gc.ref.content.${i}`, ref]));
    await writeBlob(content, `ref-${descriptor.digest}`, bytes, descriptor, {
      labels: { ...labels, [LABEL.gcRoot]: 'test' },
    });
    return descriptor;
  };

  const blob = join(suite.dir, 'ours.tar.gz');
  const digest = `sha256:${(await must('sha256sum', [blob])).split(' ')[0]}`;
  const { sizeBytes, labels } = await content.info(parseDigest(digest));
  const index = await document((await images.get(IMAGE)).target.digest);
  const manifest = await document(index.manifests[0].digest);
  const config = await document(manifest.config.digest);
  config.rootfs.diff_ids.push(labels[LABEL.uncompressed]);
  const made = await write(config, MEDIA_TYPE.ociConfig, []);
  manifest.config = { ...made, size: Number(made.size) };
  manifest.layers.push({ mediaType: MEDIA_TYPE.ociLayerGzip, digest, size: Number(sizeBytes) });
  const refs = [made.digest, ...manifest.layers.map((layer: { digest: string }) => layer.digest)];
  const target = await write(manifest, MEDIA_TYPE.ociManifest, refs);
  await images.create({ name: 'example.org/committed:1', target, labels: {} });

  const script =
    'cat new/deep/file etc/group bin/wc/x; stat -c "%a %u %h" new/other; ls etc; test -e bin/od || echo gone';
  expect(await c('run', '--rm', 'example.org/committed:1', 'committed', '/bin/sh', '-c', script)).toBe(
    '1\nfresh\ninside\n4711 0 2\ngroup\ngone\n',
  );
}, 120_000);

test('between any two snapshots, in every form, straight over the wire', async () => {
  for (const mediaType of [MEDIA_TYPE.ociLayer, MEDIA_TYPE.ociLayerZstd]) {
    const args = ['snapshots', 'diff', '--keep', '--media-type', mediaType, '--label', 'mine=yes', 'work'];
    await c(...args);
    expect(await c('content', 'ls', 'labels.mine==yes')).toContain('mine=yes');
  }
  await expect(c('snapshots', 'diff', '--media-type', 'application/other', 'work')).rejects.toThrow(
    /application\/other/,
  );
  await expect(c('snapshots', 'diff', 'absent')).rejects.toThrow('not found');
}, 60_000);
