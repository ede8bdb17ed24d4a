import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ContentStore, writeBlob } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, digestOf, LABEL, MEDIA_TYPE, type Mount } from '@stowage/core';
import { lutimes } from '@stowage/linux';
import { Metadata } from '@stowage/metadata';
import type { Differ } from '../src/index.ts';
import { Packer, walkingDiffer } from '../src/walking.ts';
import { Workspace } from './workspace.ts';

let at: Workspace;
let content: ContentStore;
let packer: Packer;
let differ: Differ;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  at = stack.use(await Workspace.open());
  const local = stack.use(await LocalContentStore.open(join(at.root, 'content')));
  const metadata = stack.use(await Metadata.open(join(at.root, 'metadata'), { content: local }));
  const view = metadata.scope({ namespace: 'test' });
  if (view.content === undefined) throw new Error('there is a content store');
  content = view.content;
  packer = stack.use(await Packer.open({ directory: join(at.root, 'views') }));
  differ = walkingDiffer(content, at.unpacker, { packer });
});
afterAll(async () => {
  await stack.disposeAsync();
});

const bytesOf = ({ digest }: Descriptor) => buffer(content.read(digest));
const infoOf = ({ digest }: Descriptor) => content.info(digest);
const refs = async () => (await Array.fromAsync(content.statuses())).map(({ ref }) => ref);

/** What GNU tar makes of an archive: `mode owner/group size date time name`. */
const listed = (archive: Uint8Array): string[] =>
  execFileSync('tar', ['--numeric-owner', '--utc', '--full-time', '-tvf', '-'], {
    input: archive,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' '));

async function tree(): Promise<{ path: string; mounts: Mount[] }> {
  const made = await at.bind();
  mkdirSync(join(made.path, 'etc'), { mode: 0o750 });
  writeFileSync(join(made.path, 'etc/motd'), 'hello', { mode: 0o600 });
  symlinkSync('etc/motd', join(made.path, 'link'));
  for (const name of ['etc/motd', 'etc', 'link'])
    lutimes(join(made.path, name), 0n, 1_500_000_000_123_456_789n);
  return made;
}

test.each([
  [undefined, MEDIA_TYPE.ociLayerGzip, gunzipSync],
  [MEDIA_TYPE.ociLayerGzip, MEDIA_TYPE.ociLayerGzip, gunzipSync],
  [MEDIA_TYPE.ociLayerZstd, MEDIA_TYPE.ociLayerZstd, zstdDecompressSync],
  [MEDIA_TYPE.ociLayer, MEDIA_TYPE.ociLayer, (bytes: Buffer) => bytes],
])('%s: the blob is the compressed archive, labelled with its diff id', async (mediaType, made, inflate) => {
  const { mounts } = await tree();
  const labels = { mine: made };
  const layer = await differ.diff([], mounts, { mediaType, labels });
  const bytes = await bytesOf(layer);
  expect(layer).toEqual({ mediaType: made, digest: digestOf(bytes), size: BigInt(bytes.length) });
  const archive = inflate(bytes);
  expect((await infoOf(layer)).labels).toMatchObject({ ...labels, [LABEL.uncompressed]: digestOf(archive) });
  expect(listed(archive)).toEqual([
    'drwxr-x--- 0/0 0 2017-07-14 02:40:00.123456789 etc/',
    '-rw------- 0/0 5 2017-07-14 02:40:00.123456789 etc/motd',
    'lrwxrwxrwx 0/0 0 2017-07-14 02:40:00.123456789 link -> etc/motd',
  ]);
  expect(await refs()).toEqual([]);
});

test('another media type is for another differ, and nothing is begun', async () => {
  const { mounts } = await tree();
  for (const mediaType of [MEDIA_TYPE.dockerLayerGzip, `${MEDIA_TYPE.ociLayerGzip}+encrypted`, 'x']) {
    await expect(differ.diff([], mounts, { mediaType, ref: 'r' })).rejects.toMatchObject({
      kind: 'unimplemented',
    });
  }
  expect(await refs()).toEqual([]);
});

test('times after the epoch that is asked for become it; whiteouts are of 1970', async () => {
  const { path: before, mounts: left } = await tree();
  writeFileSync(join(before, 'gone'), '');
  const { path, mounts } = await tree();
  writeFileSync(join(path, 'new'), '');
  writeFileSync(join(path, 'old'), '');
  lutimes(join(path, 'old'), 0n, 1_000_000_000n);
  const sourceDateEpoch = new Date('2020-02-02T02:02:02Z');
  const layer = await differ.diff(left, mounts, { sourceDateEpoch });
  expect(listed(gunzipSync(await bytesOf(layer)))).toEqual([
    '---------- 0/0 0 1970-01-01 00:00:00 .wh.gone',
    '-rw-r--r-- 0/0 0 2020-02-02 02:02:02 new',
    '-rw-r--r-- 0/0 0 1970-01-01 00:00:01 old',
  ]);
});

test('a layer that is there is the answer, and gets the label it lacks', async () => {
  const { mounts } = await tree();
  const options = { mediaType: MEDIA_TYPE.ociLayerGzip };
  const layer = await differ.diff([], mounts, options);
  const bytes = await bytesOf(layer);
  await content.delete(layer.digest);
  await writeBlob(content, 'pushed', bytes, layer, { labels: { kept: 'yes' } });
  expect((await infoOf(layer)).labels).toEqual({ kept: 'yes' });
  expect(await differ.diff([], mounts, options)).toEqual(layer);
  expect((await infoOf(layer)).labels).toEqual({
    kept: 'yes',
    [LABEL.uncompressed]: digestOf(gunzipSync(bytes)),
  });
  expect(await differ.diff([], mounts, options)).toEqual(layer);
  expect(await refs()).toEqual([]);
});

test('levels change the size, never the archive', async () => {
  const { path, mounts } = await at.bind();
  writeFileSync(join(path, 'text'), Array.from({ length: 60_000 }, (_, i) => `${i * 7919}\n`).join(''));
  const made = async (mediaType: string, levels: object) => {
    const layer = await walkingDiffer(content, at.unpacker, { packer, levels }).diff([], mounts, {
      mediaType,
    });
    return { size: layer.size, diffId: (await infoOf(layer)).labels[LABEL.uncompressed] };
  };
  const some = [
    await made(MEDIA_TYPE.ociLayerGzip, { gzip: 1 }),
    await made(MEDIA_TYPE.ociLayerGzip, { gzip: 9 }),
    await made(MEDIA_TYPE.ociLayerZstd, { zstd: 1 }),
    await made(MEDIA_TYPE.ociLayerZstd, { zstd: 19 }),
  ] as const;
  expect(some[1].size).toBeLessThan(some[0].size);
  expect(some[3].size).toBeLessThan(some[2].size);
  expect(new Set(some.map(({ diffId }) => diffId)).size).toBe(1);
});

test('an ingest that was left under the ref is begun anew; a ref in use is left alone', async () => {
  const { mounts } = await tree();
  await using held = await content.writer({ ref: 'ref' });
  await held.write(Buffer.from('something else'));
  await expect(differ.diff([], mounts, { ref: 'ref' })).rejects.toMatchObject({ kind: 'unavailable' });
  expect((await held.status()).offset).toBe(14n);
  await held[Symbol.asyncDispose]();
  const layer = await differ.diff([], mounts, { ref: 'ref' });
  expect(listed(gunzipSync(await bytesOf(layer)))).toHaveLength(3);
});

test('of a call that fails or is given up nothing is left', async () => {
  const { path, mounts } = await at.bind();
  const absent: Mount[] = [{ type: 'bind', source: join(at.root, 'absent'), options: ['ro', 'rbind'] }];
  await expect(differ.diff([], absent, { ref: 'ref' })).rejects.toMatchObject({
    kind: 'failed_precondition',
  });
  await expect(differ.diff(absent, mounts)).rejects.toMatchObject({ kind: 'failed_precondition' });
  const helped: Mount[] = [{ type: 'mkfs/ext4', source: 'x', options: [] }];
  await expect(differ.diff([], helped)).rejects.toMatchObject({ kind: 'unimplemented' });

  writeFileSync(join(path, 'noise'), randomBytes(64 << 20));
  const stop = new AbortController();
  const given = differ.diff([], mounts, {
    ref: 'given-up',
    mediaType: MEDIA_TYPE.ociLayer,
    signal: stop.signal,
  });
  const ended = expect(given).rejects.toThrow('enough');
  const begun = async () => (await Array.fromAsync(content.statuses())).some(({ offset }) => offset > 0n);
  while (!(await begun())) await delay(2);
  stop.abort(new Error('enough'));
  await ended;
  expect(await refs()).toEqual([]);
  await expect(differ.diff([], mounts, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
    'before',
  );
  for (const task of await readdir('/proc/self/task')) {
    const mountinfo = await readFile(`/proc/self/task/${task}/mountinfo`, 'utf8').catch(() => '');
    expect(mountinfo).not.toContain(at.root);
  }
}, 60_000);

test('of one that is given up while it opens its ingest, nothing is left either', async () => {
  const { mounts } = await tree();
  const stop = new AbortController();
  const reason = new Error('enough');
  // As a store does that hears of the abort once the ingest is made.
  const writer: ContentStore['writer'] = async ({ signal, ...options }) => {
    const opened = await content.writer(options);
    stop.abort(reason);
    if (!signal?.aborted) return opened;
    await opened[Symbol.asyncDispose]();
    throw signal.reason;
  };
  const abort: ContentStore['abort'] = (ref, options) => content.abort(ref, options);
  const heard = walkingDiffer({ ...content, writer, abort }, at.unpacker, { packer });
  await expect(heard.diff([], mounts, { signal: stop.signal })).rejects.toBe(reason);
  expect(await refs()).toEqual([]);
});

test('what is large takes little memory', async () => {
  const { path, mounts } = await at.bind();
  const size = 1 << 29;
  writeFileSync(join(path, 'holes'), '');
  truncateSync(join(path, 'holes'), size);
  lutimes(join(path, 'holes'), 0n, 1_000_000_000n);
  const before = process.memoryUsage.rss();
  const more: number[] = [];
  const timer = setInterval(() => more.push(process.memoryUsage.rss() - before), 50);
  const layer = await differ.diff([], mounts, { mediaType: MEDIA_TYPE.ociLayerZstd });
  clearInterval(timer);
  expect(more.length).toBeGreaterThan(1);
  expect(Math.max(...more)).toBeLessThan(size / 3);
  const again = await at.bind();
  const applied = await differ.apply(layer, again.mounts);
  expect(applied.size).toBe(BigInt(size + 3 * 512));
  expect(statSync(join(again.path, 'holes')).size).toBe(size);
}, 120_000);
