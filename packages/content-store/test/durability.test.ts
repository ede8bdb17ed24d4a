import { execFile } from 'node:child_process';
import { type FileHandle, open, readdir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf, errnoOf, hexOf } from '@stowage/core';
import { directory, put, tree } from './fixture.ts';

const run = promisify(execFile);
const undo: Array<() => void> = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** Has every fsync of this process pass through `before`, with the path of what is synced. */
async function onFsync(before: (path: string) => Promise<void> | void): Promise<void> {
  const probe = await open('/dev/null');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const sync = prototype.sync;
  prototype.sync = async function (this: FileHandle) {
    await before(await readlink(`/proc/self/fd/${this.fd}`));
    await sync.call(this);
  };
  undo.push(() => {
    prototype.sync = sync;
  });
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (e: unknown) => {
      if (errnoOf(e) !== 'ENOENT') throw e;
      return false;
    },
  );
}

test('a commit syncs the bytes, gives them their name, then syncs both directories', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  await put(store, 'so that blobs/sha256 is there');
  const blob = path.join(at.dir, 'blobs/sha256', hexOf(digestOf('hello')));
  const ingest = path.join(at.dir, 'ingest', hexOf(digestOf('r')));
  const writer = await store.writer({ ref: 'r' });
  await writer.write(Buffer.from('hello'));
  const synced: Array<[string, boolean]> = [];
  await onFsync(async (file) => void synced.push([file, await exists(blob)]));
  await writer.commit();
  expect(synced[0]).toEqual([`${ingest}/data`, false]);
  expect(synced.slice(1).sort()).toEqual([
    [path.dirname(blob), true],
    [ingest, true],
  ]);
});

test('directories that were made are synced up to the one that was there', async () => {
  await using at = await directory();
  const synced: string[] = [];
  await onFsync((file) => void synced.push(path.relative(at.dir, file) || '.'));
  await using store = await LocalContentStore.open(path.join(at.dir, 'a/b'));
  expect(synced).toEqual(['a/b', 'a', '.', 'a/b']);
  await put(store, 'hello');
  expect(synced).toContain('a/b/blobs');
});

test.each([
  ['EIO', 'data_loss'],
  ['ENOSPC', 'resource_exhausted'],
])('bytes that fsync refuses with %s are dropped, never synced again', async (code, kind) => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  const writer = await store.writer({ ref: 'r' });
  await writer.write(Buffer.from('hello'));
  let syncs = 0;
  await onFsync((file) => {
    if (!file.endsWith('/data')) return;
    syncs += 1;
    throw Object.assign(new Error(code), { code });
  });
  await expect(writer.commit()).rejects.toMatchObject({ kind });
  expect(syncs).toBe(1);
  await expect(store.status('r')).rejects.toMatchObject({ kind: 'not_found' });
  await expect(store.info(digestOf('hello'))).rejects.toMatchObject({ kind: 'not_found' });
  for (const step of undo.splice(0)) step();
  await using again = await store.writer({ ref: 'r' });
  expect((await again.status()).offset).toBe(0n);
  await again.write(Buffer.from('hello'));
  await again.commit();
});

test('a name whose directory cannot be synced is taken back', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  await put(store, 'so that blobs/sha256 is there');
  await onFsync((file) => {
    if (file.endsWith('/blobs/sha256')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  });
  await expect(put(store, 'hello')).rejects.toMatchObject({ kind: 'data_loss' });
  await expect(store.info(digestOf('hello'))).rejects.toMatchObject({ kind: 'not_found' });
  expect(await readdir(path.join(at.dir, 'ingest'))).toEqual([]);
});

test('blobs that are committed at once share the fsyncs of their directory', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  await put(store, 'so that blobs/sha256 is there');
  let syncs = 0;
  await onFsync((file) => {
    if (file.endsWith('/blobs/sha256')) syncs += 1;
  });
  await Promise.all(Array.from({ length: 50 }, (_, i) => put(store, `blob ${i}`)));
  expect(syncs).toBeLessThan(50);
});

const asRoot = process.getuid?.() === 0 && process.platform === 'linux' ? test : test.skip;

asRoot('a full disk ends the writer, and what fitted can be resumed when there is room', async () => {
  await using at = await directory();
  await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', at.dir]);
  try {
    await using store = await LocalContentStore.open(at.dir);
    const data = Buffer.alloc(1024 * 1024, 1);
    const ballast = await put(store, 'x'.repeat(700_000));
    const writer = await store.writer({ ref: 'r' });
    await writer.write(data);
    await expect(writer.write(data)).rejects.toMatchObject({ kind: 'resource_exhausted' });
    await expect(writer.write(data)).rejects.toMatchObject({ kind: 'failed_precondition' });
    await store.delete(ballast);
    await using again = await store.writer({ ref: 'r' });
    const { offset, digest } = await again.status();
    expect(offset).toBeGreaterThanOrEqual(1024n * 1024n);
    expect(digest).toBe(digestOf(Buffer.alloc(Number(offset), 1)));
    await again.commit({ sizeBytes: offset });
    expect(await tree(path.join(at.dir, 'ingest'))).toEqual([]);
  } finally {
    await run('umount', [at.dir]);
  }
});
