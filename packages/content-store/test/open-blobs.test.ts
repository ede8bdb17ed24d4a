import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf } from '@stowage/core';

let directory: string;
let store: LocalContentStore;
const BYTES = Buffer.alloc(300_000, 'stowage ');
const DIGEST = digestOf(BYTES);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stowage-open-blobs-'));
  store = await LocalContentStore.open(directory);
  await writeBlob(store, 'x', BYTES, { size: BigInt(BYTES.length), digest: DIGEST });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function part(offset: number, length: number): Promise<Buffer> {
  const range = { offset: BigInt(offset), length: BigInt(length) };
  return Buffer.concat(await Array.fromAsync(store.read(DIGEST, range)));
}

/** Files below the directory that this process has open. */
async function openFiles(): Promise<string[]> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).filter((file) => file.startsWith(directory));
}

test('parts come from one open file, which is closed when it has not been read for a while', async () => {
  for (let at = 0; at < 10; at += 1)
    expect(await part(at * 30_000, 1000)).toEqual(BYTES.subarray(at * 30_000, at * 30_000 + 1000));
  expect((await openFiles()).length).toBeLessThan(2);
  for (let tries = 0; tries < 100 && (await openFiles()).length > 0; tries += 1) await pause(50);
  expect(await openFiles()).toEqual([]);
});

test('of parts at the same time at most one leaves its file open', async () => {
  const parts = await Promise.all([...Array(40).keys()].map((at) => part(at * 5000, 5000)));
  expect(Buffer.concat(parts)).toEqual(BYTES.subarray(0, 200_000));
  expect((await openFiles()).length).toBeLessThan(2);
});

test('a blob that was deleted is not found, though a part of it was just read', async () => {
  await part(5, 10);
  const reading = store.read(DIGEST, { offset: 1n, length: 290_000n })[Symbol.asyncIterator]();
  const first = await reading.next();
  await store.delete(DIGEST);
  await expect(store.info(DIGEST)).rejects.toMatchObject({ kind: 'not_found' });
  await expect(part(5, 10)).rejects.toMatchObject({ kind: 'not_found' });
  // Whoever was reading reads on.
  const rest: Uint8Array[] = [first.value];
  for (let next = await reading.next(); !next.done; next = await reading.next()) rest.push(next.value);
  expect(Buffer.concat(rest)).toEqual(BYTES.subarray(1, 290_001));
  expect(await openFiles()).toEqual([]);
});

test('a deletion that a read of a part overlaps leaves nothing open', async () => {
  await Promise.allSettled([part(0, 5), store.delete(DIGEST), part(10, 5), part(20, 5)]);
  await expect(part(5, 10)).rejects.toMatchObject({ kind: 'not_found' });
  expect(await openFiles()).toEqual([]);
});

test('closing the store closes what is open', async () => {
  await part(5, 10);
  await store[Symbol.asyncDispose]();
  expect(await openFiles()).toEqual([]);
});
