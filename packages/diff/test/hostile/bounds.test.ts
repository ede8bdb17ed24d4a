import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGzip, createZstdCompress } from 'node:zlib';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Mount } from '@stowage/core';
import { inflated } from '../../src/inflate.ts';
import { dir, END, entry, file, paxBody, symlink, tar } from '../tar-writer.ts';
import { pieces, Workspace } from '../workspace.ts';
import { type Watched, watch } from './watched.ts';

jest.setTimeout(300_000);

const MIB = 1 << 20;
/** What an unpack may take beyond the 2 MiB of its ring: piles of garbage that nobody has collected yet. */
const MOST_GROWN_BYTES = 160 * MIB;
/**
 * The main thread copies bytes and nothing else, whatever the archive. A short run has so few samples that 99 of 100 are
 * all of them, the making of the archive included.
 */
const MOST_BUSY_MS = process.env.STOWAGE_LONG === '1' ? 200 : 1000;

/** How many entries a flood has. */
const MANY = process.env.STOWAGE_LONG === '1' ? 50_000 : 4000;
const many = MANY.toLocaleString('en');

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.open();
  // Starts the thread, whose memory is none of the archives'.
  await at.apply((await at.bind()).mounts, tar(file('a', 'x')));
});
afterAll(async () => at[Symbol.asyncDispose]());

async function unpacked(
  what: string,
  mounts: readonly Mount[],
  archive: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
): Promise<Watched<unknown>> {
  const watched = await watch(() => at.unpacker.unpack(mounts, archive));
  const { grownBytes, lateMs, busyMs, seconds } = watched;
  const loop = `loop late ${lateMs.toFixed(1)} ms (p99), of that busy ${busyMs.toFixed(1)} ms`;
  console.log(`${what}: ${seconds.toFixed(1)} s, ${Math.round(grownBytes / MIB)} MiB more, ${loop}`);
  expect(grownBytes).toBeLessThan(MOST_GROWN_BYTES);
  expect(busyMs).toBeLessThan(MOST_BUSY_MS);
  return watched;
}

/** The same blocks again and again, without ever being whole in memory. */
async function* repeated(
  count: number,
  block: Uint8Array,
  end: Uint8Array = END,
): AsyncGenerator<Uint8Array> {
  const times = Math.max(1, Math.floor(65_536 / block.length));
  const some = Buffer.concat(Array<Uint8Array>(times).fill(block));
  for (let left = count; left > 0; left -= times)
    yield left >= times ? some : some.subarray(0, left * block.length);
  yield end;
}

async function* joined(...parts: AsyncIterable<Uint8Array>[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part;
}

async function* numbered(count: number, make: (i: number) => Uint8Array): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i += 20) {
    yield Buffer.concat(Array.from({ length: Math.min(20, count - i) }, (_, j) => make(i + j)));
  }
}

test(`${many} opaque markers over ${many} files`, async () => {
  const lower = await at.bind();
  const files = numbered(MANY, (i) => entry(file(`d/${i}`)));
  await unpacked(`${many} files`, lower.mounts, () => joined(files, pieces(END)));
  expect(await readdir(join(lower.path, 'd'))).toHaveLength(MANY);
  const marker = entry(file('d/.wh..wh..opq'));
  const { mounts } = await at.overlay(lower.path);
  const { result } = await unpacked(`${many} opaque markers`, mounts, () => repeated(MANY, marker));
  expect(result.status).toBe('fulfilled');
  await at.see(mounts, async (root) => expect(await readdir(join(root, 'd'))).toEqual([]));
});

test(`${many} opaque markers, each behind a file of its own`, async () => {
  const { path, mounts } = await at.bind();
  const both = (i: number) => Buffer.concat([entry(file(`d/${i}`)), entry(file('d/.wh..wh..opq'))]);
  const { result } = await unpacked(`${many} files and markers`, mounts, () =>
    joined(numbered(MANY, both), pieces(END)),
  );
  expect(result.status).toBe('fulfilled');
  expect(await readdir(join(path, 'd'))).toHaveLength(MANY);
});

test.each([
  ['gzip', createGzip],
  ['zstd', createZstdCompress],
])('a %s bomb ends where the disk is full', async (name, compress) => {
  const { path, mounts } = await at.bind();
  await at.mounter.mount([{ type: 'tmpfs', source: 'tmpfs', options: ['size=32m'] }], path);
  try {
    const size = 1024 * MIB;
    const head = tar({ ...file('zeros'), size }).subarray(0, 512);
    const zeros = repeated(512, Buffer.alloc(MIB));
    const bomb = await buffer(Readable.from(joined(pieces(head), zeros)).pipe(compress()));
    expect(bomb.length).toBeLessThan(MIB);
    const { result } = await unpacked(`${name} bomb`, mounts, (stop) => inflated(pieces(bomb), stop));
    expect(result).toMatchObject({
      status: 'rejected',
      reason: { kind: 'resource_exhausted', message: expect.stringContaining('"zeros"') },
    });
  } finally {
    await at.mounter.unmount(path);
  }
});

test('an honest layer of 256 MiB of zeros is no bomb', async () => {
  const { path, mounts } = await at.bind();
  const size = 256 * MIB;
  const head = tar({ ...file('zeros'), size }).subarray(0, 512);
  const archive = Readable.from(joined(pieces(head), repeated(256, Buffer.alloc(MIB))));
  const bytes = await buffer(archive.pipe(createGzip()));
  const { result } = await unpacked('256 MiB of zeros', mounts, (stop) => inflated(pieces(bytes), stop));
  expect(result.status).toBe('fulfilled');
  expect((await stat(join(path, 'zeros'))).size).toBe(size);
});

test('a hole of a terabyte takes no room', async () => {
  const { path, mounts } = await at.bind();
  const pax = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': String(2 ** 40) };
  const map = Buffer.alloc(512);
  map.write('0\n');
  const { result } = await unpacked('a hole', mounts, () => pieces(tar({ ...file('hole', map), pax })));
  expect(result.status).toBe('fulfilled');
  const { size, blocks } = await stat(join(path, 'hole'));
  expect([size, blocks]).toEqual([2 ** 40, 0]);
});

test.each([
  ['extended headers of a megabyte', 'x', paxBody([['comment', 'c'.repeat(MIB - 100)]])],
  ['global headers of a megabyte', 'g', paxBody([['comment', 'c'.repeat(MIB - 100)]])],
  ['long names of a megabyte', 'L', Buffer.alloc(MIB - 100, 'n')],
])('200 %s, and no entry', async (what, type, body) => {
  const { mounts } = await at.bind();
  const header = entry({ name: 'h', type, body });
  const { result } = await unpacked(`200 ${what}`, mounts, () => repeated(200, header));
  if (type === 'g') expect(result.status).toBe('fulfilled');
  else expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'invalid_argument' } });
});

test('5,000 names that are each other’s directory and link', async () => {
  const { mounts } = await at.bind();
  const turns = [dir('a'), file('a/b', 'x'), symlink('c', 'a'), dir('c'), file('a/d', 'y')];
  const block = Buffer.concat(turns.map(entry));
  const { result } = await unpacked('25,000 replacements', mounts, () => repeated(5000, block));
  expect(result.status).toBe('fulfilled');
});
