import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { constants, createGzip, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, digestOf, MEDIA_TYPE } from '@stowage/core';
import { findGunzip, walkingDiffer } from '../src/walking.ts';
import { dir, file, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

let at: Workspace;
let content: LocalContentStore;
beforeAll(async () => {
  at = await Workspace.open();
  content = await LocalContentStore.open(await at.directory('content'));
});
afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

async function blob(bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: BigInt(bytes.length) };
  await writeBlob(content, `test-${descriptor.digest}`, bytes, descriptor);
  return descriptor;
}

const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 13));
const archive = tar(dir('d'), file('d/noise', noise), file('hello', 'world'));
const half = archive.length >> 1;
const twice = (compress: (bytes: Buffer) => Buffer) =>
  Buffer.concat([compress(archive.subarray(0, half)), compress(archive.subarray(half))]);
/** A zstd frame that readers skip: magic, length, content. */
const skippable = Buffer.from('502a4d1803000000aabbcc', 'hex');
const summed = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const frames = (size: number) =>
  Buffer.concat(
    Array.from({ length: Math.ceil(archive.length / size) }, (_, i) =>
      Buffer.concat([zstdCompressSync(archive.subarray(i * size, (i + 1) * size), summed), skippable]),
    ),
  );

test.each([
  ['plain', archive, MEDIA_TYPE.ociLayer],
  ['gzip', gzipSync(archive), MEDIA_TYPE.ociLayerGzip],
  ['zstd', zstdCompressSync(archive), MEDIA_TYPE.ociLayerZstd],
  ['gzip of two members', twice(gzipSync), MEDIA_TYPE.dockerLayerGzip],
  ['zstd of two frames', twice(zstdCompressSync), MEDIA_TYPE.dockerLayerZstd],
  ['zstd of many small frames', frames(1000), MEDIA_TYPE.ociLayerZstd],
  ['zstd of large frames with sums', frames(200_000), MEDIA_TYPE.ociLayerZstd],
  [
    'zstd after a frame to skip',
    Buffer.concat([skippable, zstdCompressSync(archive)]),
    MEDIA_TYPE.ociLayerZstd,
  ],
  ['plain that is called gzip', archive, MEDIA_TYPE.ociLayerGzip],
  ['gzip that is called plain', gzipSync(archive, { level: 1 }), MEDIA_TYPE.ociLayer],
  ['zstd that is called gzip', zstdCompressSync(archive), MEDIA_TYPE.dockerLayerGzip],
  ['foreign', gzipSync(archive), 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'],
  ['nondistributable', archive, 'application/vnd.oci.image.layer.nondistributable.v1.tar'],
])(
  '%s: the bytes tell how they are compressed, and the answer is the diff id',
  async (_, bytes, mediaType) => {
    const { path, mounts } = await at.bind();
    const progress: bigint[] = [];
    const layer = await blob(bytes, mediaType);
    const applied = await walkingDiffer(content, at.unpacker).apply(layer, mounts, {
      onProgress: (n) => progress.push(n),
    });
    expect(applied).toEqual({
      mediaType: MEDIA_TYPE.ociLayer,
      digest: digestOf(archive),
      size: BigInt(archive.length),
    });
    expect((await readFile(join(path, 'd/noise'))).equals(noise)).toBe(true);
    expect(progress.at(-1)).toBe(layer.size);
  },
);

test('a program inflates gzip where one is given, and its failures are told', async () => {
  // What igzip and unpigz are asked to do, gzip does too.
  const differ = walkingDiffer(content, at.unpacker, { gunzip: '/usr/bin/gzip' });
  const big = tar(file('zero', Buffer.alloc(3 << 20)), file('noise', randomBytes(2 << 20)));
  const bytes = gzipSync(big);
  const { mounts } = await at.bind();
  const { digest } = await differ.apply(await blob(bytes, MEDIA_TYPE.ociLayerGzip), mounts);
  expect(digest).toBe(digestOf(big));

  const cut = await blob(bytes.subarray(0, bytes.length - 1000), MEDIA_TYPE.ociLayerGzip);
  await expect(differ.apply(cut, mounts)).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining('unexpected end of file'),
  });
  const gone = walkingDiffer(content, at.unpacker, { gunzip: '/nowhere/igzip' });
  await expect(gone.apply(await blob(bytes, MEDIA_TYPE.ociLayerGzip), mounts)).rejects.toMatchObject({
    kind: 'internal',
    message: expect.stringContaining('/nowhere/igzip'),
  });
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error('enough'));
  await expect(
    differ.apply(await blob(bytes, MEDIA_TYPE.ociLayerGzip), mounts, { signal: stop.signal, onProgress }),
  ).rejects.toThrow('enough');
});

test('programs are found by absolute path only', async () => {
  const bin = await at.directory('bin');
  const { mounts } = await at.bind('bin');
  await at.apply(mounts, tar(file('unpigz', '', 0o755), file('igzip', '', 0o644)));
  expect(await findGunzip(`relative:${bin}`)).toBe(process.getuid?.() === 0 ? `${bin}/unpigz` : undefined);
  expect(await findGunzip('')).toBeUndefined();
});

test('what follows the archive counts for the diff id', async () => {
  const { mounts } = await at.bind();
  const bytes = Buffer.concat([archive, Buffer.alloc(3 << 20), Buffer.from('trailer')]);
  const { digest, size } = await walkingDiffer(content, at.unpacker).apply(
    await blob(gzipSync(bytes), MEDIA_TYPE.ociLayerGzip),
    mounts,
  );
  expect([digest, size]).toEqual([digestOf(bytes), BigInt(bytes.length)]);
});

test.each([
  ['nothing at all', Buffer.alloc(0)],
  ['no trailer', archive.subarray(0, archive.length - 1024)],
  ['half a trailer', archive.subarray(0, archive.length - 512)],
])('an archive with %s is complete', async (_, bytes) => {
  const { mounts } = await at.bind();
  const { digest } = await walkingDiffer(content, at.unpacker).apply(
    await blob(bytes, MEDIA_TYPE.ociLayer),
    mounts,
  );
  expect(digest).toBe(digestOf(bytes));
});

test.each([
  ['a cut archive', archive.subarray(0, 100_000), /noise.*ends within/],
  ['an archive cut in a header', archive.subarray(0, 700), /within a block/],
  ['cut gzip', gzipSync(archive).subarray(0, -9), /inflate gzip/],
  ['gzip cut at once', gzipSync(archive).subarray(0, 5), /inflate gzip/],
  ['gzip with a wrong sum', damaged(gzipSync(archive), -6), /inflate gzip/],
  [
    'damaged zstd',
    damaged(zstdCompressSync(archive, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }), -40),
    /inflate zstd/,
  ],
  ['cut zstd', zstdCompressSync(archive).subarray(0, -20), /inflate zstd/],
  [
    'zstd with something behind',
    Buffer.concat([zstdCompressSync(archive), Buffer.from('behind')]),
    /no magic/,
  ],
  ['zstd cut between header and data', frames(1000).subarray(0, -20), /inflate zstd/],
  ['gzip of no archive', gzipSync('<html></html>'), /within a block/],
])('%s is refused', async (_, bytes, message) => {
  const { mounts } = await at.bind();
  const layer = await blob(bytes, MEDIA_TYPE.ociLayerGzip);
  await expect(walkingDiffer(content, at.unpacker).apply(layer, mounts)).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(message),
  });
});

function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const i = at < 0 ? copy.length + at : at;
  copy[i] = (copy[i] as number) ^ 0x55;
  return copy;
}

test('a bomb is unpacked in bounded memory', async () => {
  const size = 256 << 20;
  const { path, mounts } = await at.bind();
  const layer = await blob(await bomb(size), MEDIA_TYPE.ociLayerGzip);
  const differ = walkingDiffer(content, at.unpacker);
  // Starts the thread, whose memory is none of the bomb's.
  await differ.apply(await blob(archive, MEDIA_TYPE.ociLayer), (await at.bind()).mounts);
  const before = residentBytes();
  const more: number[] = [];
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  const applied = differ.apply(layer, mounts);
  applied.then(done, done);
  while (!isDone) {
    more.push(residentBytes() - before);
    await setTimeout(50);
  }
  await applied;
  expect(more.length).toBeGreaterThan(3);
  expect(Math.max(...more)).toBeLessThan(size / 2);
  expect((await stat(join(path, 'zeros'))).size).toBe(size);
}, 120_000);

/** A file of zeros, compressed without ever being whole in memory. */
async function bomb(size: number): Promise<Buffer> {
  const head = tar({ ...file('zeros', ''), size }).subarray(0, 512);
  const zeros = Buffer.alloc(1 << 20);
  const chunks = [head, ...Array<Buffer>(size >> 20).fill(zeros), Buffer.alloc(1024)];
  return buffer(Readable.from(chunks).pipe(createGzip()));
}

/**
 * The memory that this process has in use, garbage apart. Node counts none of the buffers that its streams make
 * (`allocUnsafe`) under `external` or `arrayBuffers`.
 */
function residentBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage.rss();
}

test('an unknown media type is another differ’s, an absent layer is not found, diff is not built', async () => {
  const { mounts } = await at.bind();
  const differ = walkingDiffer(content, at.unpacker);
  const layer = await blob(archive, MEDIA_TYPE.ociLayer);
  for (const mediaType of ['', 'application/json', `${MEDIA_TYPE.ociLayerGzip}+encrypted`]) {
    await expect(differ.apply({ ...layer, mediaType }, mounts)).rejects.toMatchObject({
      kind: 'unimplemented',
    });
  }
  const absent = { ...layer, digest: digestOf('absent') };
  await expect(differ.apply(absent, mounts)).rejects.toMatchObject({ kind: 'not_found' });
  await expect(differ.diff([], mounts)).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringContaining('only unpacked'),
  });
});
