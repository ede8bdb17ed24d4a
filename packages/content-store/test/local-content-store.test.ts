import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { contentStorePlugin } from '@stowage/content-store/plugin';
import { digestOf, hexOf, type StartContext, silentLogger } from '@stowage/core';
import { directory, put, tree } from './fixture.ts';

const REF_R = hexOf(digestOf('r'));
const closed = expect.objectContaining({
  kind: 'failed_precondition',
  message: expect.stringContaining('closed'),
});

test('blobs lie as in an OCI layout, read-only; nobody else can list them, whatever the umask', async () => {
  const umask = process.umask(0);
  try {
    await using at = await directory();
    const root = path.join(at.dir, 'made/with/parents');
    await using store = await LocalContentStore.open(root);
    const digest = await put(store, 'hello');
    expect(await tree(root)).toEqual(['blobs', 'blobs/sha256', `blobs/sha256/${hexOf(digest)}`, 'ingest']);
    const mode = async (name: string) => (await stat(path.join(root, name))).mode & 0o7777;
    expect(await mode(`blobs/sha256/${hexOf(digest)}`)).toBe(0o444);
    for (const dir of ['.', '..', 'blobs', 'blobs/sha256', 'ingest']) expect(await mode(dir)).toBe(0o700);
    await using _writer = await store.writer({ ref: 'r' });
    expect(await mode(`ingest/${REF_R}`)).toBe(0o700);
    for (const name of await tree(path.join(root, `ingest/${REF_R}`))) {
      expect(await mode(`ingest/${REF_R}/${name}`)).toBe(0o600);
    }
  } finally {
    process.umask(umask);
  }
});

test('opening clears away what a crash left, and nothing else', async () => {
  await using at = await directory();
  {
    await using store = await LocalContentStore.open(at.dir);
    await using writer = await store.writer({ ref: 'r' });
    await writer.write(Buffer.from('hello'));
  }
  const kept = await tree(at.dir);
  const status = JSON.stringify({ ref: 'r', total: '0', startedAt: new Date().toISOString() });
  const leftovers: Record<string, Record<string, string>> = {
    'data-only': { data: 'x' },
    'status-only': { status },
    'torn-status': { data: 'x', status: status.slice(0, 9) },
    'empty-status': { data: 'x', status: '' },
    'null-status': { data: 'x', status: 'null' },
    'under-another-ref': { data: 'x', status },
    empty: {},
  };
  for (const [name, files] of Object.entries(leftovers)) {
    const dir = path.join(at.dir, 'ingest', name);
    await mkdir(dir);
    for (const [file, text] of Object.entries(files)) await writeFile(path.join(dir, file), text);
  }
  await writeFile(path.join(at.dir, 'ingest/file'), 'x');
  await using store = await LocalContentStore.open(at.dir);
  expect(await tree(at.dir)).toEqual(kept);
  expect((await store.status('r')).offset).toBe(5n);
});

test('files in blobs that are no blobs are not listed', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  const digest = await put(store, 'hello');
  await writeFile(path.join(at.dir, 'blobs/sha256/README'), 'x');
  await mkdir(path.join(at.dir, 'blobs/md5'));
  await writeFile(path.join(at.dir, 'blobs/md5/d41d8cd98f00b204e9800998ecf8427e'), '');
  const listed = [];
  for await (const info of store.list()) listed.push(info.digest);
  expect(listed).toEqual([digest]);
});

test('reads come in chunks of the size that was asked for', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir, { readChunkBytes: 4 });
  const sizes = [];
  for await (const chunk of store.read(await put(store, '0123456789'))) sizes.push(chunk.byteLength);
  expect(sizes).toEqual([4, 4, 2]);
});

test('a blob that is deleted while it is read is read to its end', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir, { readChunkBytes: 4 });
  const digest = await put(store, '0123456789');
  let text = '';
  for await (const chunk of store.read(digest)) {
    if (text === '') await store.delete(digest);
    text += Buffer.from(chunk).toString();
  }
  expect(text).toBe('0123456789');
});

test('a store that is closed ends its writers, keeps their ingests and takes no calls', async () => {
  await using at = await directory();
  const store = await LocalContentStore.open(at.dir);
  const digest = await put(store, 'hello');
  const writer = await store.writer({ ref: 'r' });
  await writer.write(Buffer.from('hel'));
  await store[Symbol.asyncDispose]();
  await expect(writer.write(Buffer.from('lo'))).rejects.toEqual(closed);
  await expect(store.info(digest)).rejects.toEqual(closed);
  await expect(store.writer({ ref: 'x' })).rejects.toEqual(closed);
  await expect(store.list().next()).rejects.toEqual(closed);
  await using again = await LocalContentStore.open(at.dir);
  expect((await again.status('r')).offset).toBe(3n);
});

test('opening an ingest can be given up while it is hashed, and by an abort of its ref', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  {
    await using writer = await store.writer({ ref: 'r' });
    const block = Buffer.alloc(4 * 1024 * 1024, 1);
    for (let i = 0; i < 8; i += 1) await writer.write(block);
  }
  const stop = new AbortController();
  const opening = store.writer({ ref: 'r', signal: stop.signal });
  setImmediate(() => stop.abort(new Error('enough')));
  await expect(opening).rejects.toThrow('enough');

  const second = store.writer({ ref: 'r' });
  const aborted = expect(second).rejects.toMatchObject({ kind: 'aborted' });
  await store.abort('r');
  await aborted;
  await using fresh = await store.writer({ ref: 'r' });
  expect((await fresh.status()).offset).toBe(0n);
});

test('of several who abort an ingest at once, one does and the others find it gone', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  await using writer = await store.writer({ ref: 'r' });
  await writer.write(Buffer.from('hello'));
  const aborts = await Promise.allSettled(Array.from({ length: 4 }, () => store.abort('r')));
  const kinds = aborts.map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.kind));
  expect(kinds.sort()).toEqual(['done', 'not_found', 'not_found', 'not_found']);
});

test('the plugin opens the store in its root, and tells where that is', async () => {
  await using at = await directory();
  const root = path.join(at.dir, 'root');
  const exports = new Map<string, string>();
  const { signal } = new AbortController();
  const context: StartContext = {
    root,
    state: '',
    config: {},
    needs: {},
    exports,
    capabilities: new Set(),
    log: silentLogger,
    signal,
  };
  await using store = (await contentStorePlugin.start(context)) as LocalContentStore;
  expect(exports.get('root')).toBe(root);
  await put(store, 'hello');
  expect(contentStorePlugin).toMatchObject({ id: 'content', slot: { type: 'io.containerd.content.v1' } });
});

test('a small blob that was read before is served again, and not after it is deleted', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  const digest = await put(store, 'small');
  const text = async (range = {}) =>
    Buffer.concat(await Array.fromAsync(store.read(digest, range))).toString();
  expect(await text()).toBe('small');
  expect(await text()).toBe('small');
  expect(await text({ offset: 1n, length: 3n })).toBe('mal');
  expect(await text({ offset: 5n })).toBe('');
  await expect(text({ offset: 6n })).rejects.toMatchObject({ kind: 'out_of_range' });
  for await (const chunk of store.read(digest)) chunk.fill(0);
  expect(await text()).toBe('small');
  await store.delete(digest);
  await expect(text()).rejects.toMatchObject({ kind: 'not_found' });
});
