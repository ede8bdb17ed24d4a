import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ReadAhead } from '../src/read-ahead.ts';

const BYTES = randomBytes(1_500_000);
let directory: string;
let handle: FileHandle;
let reads: { at: number; length: number }[];
let broken: (at: number, length: number) => boolean;
let ahead: ReadAhead;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stowage-ahead-'));
  await writeFile(join(directory, 'file'), BYTES);
  handle = await open(join(directory, 'file'));
  reads = [];
  broken = () => false;
  const counted = {
    read: async (buffer: Buffer, offset: number, length: number, at: number) => {
      reads.push({ at, length });
      if (broken(at, length)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      return handle.read(buffer, offset, length, at);
    },
  };
  ahead = new ReadAhead(counted as unknown as FileHandle, BigInt(BYTES.length));
});
afterEach(async () => {
  await handle.close();
  await rm(directory, { recursive: true });
});

const PART = 32 * 1024;
const same = (got: Uint8Array, at: number, length: number) =>
  expect(Buffer.compare(got, BYTES.subarray(at, at + length))).toBe(0);

test('who reads on gets most parts from memory, to the last byte', async () => {
  for (let at = 0; at < BYTES.length; at += PART) same(await ahead.read(at, PART), at, PART);
  expect(reads.length).toBeLessThan(BYTES.length / PART / 4);
});

test('several who read on at places of their own do as well', async () => {
  const places = [0, 300_000, 600_000, 900_000];
  for (let step = 0; step < 9; step++)
    for (const place of places) same(await ahead.read(place + step * PART, PART), place + step * PART, PART);
  expect(reads.length).toBeLessThan(4 * 9 * 0.5);
});

test('who reads here and there reads no more than asked for', async () => {
  for (const at of [700_000, 5, 1_400_000, 90_000, 400_000]) same(await ahead.read(at, 1000), at, 1000);
  expect(reads.every(({ length }) => length === 1000)).toBe(true);
});

test('whatever is read, by whomever, is what the file holds', async () => {
  const places = Array.from({ length: 6 }, () => 0);
  for (let step = 0; step < 2000; step++) {
    const who = Math.floor(Math.random() * places.length);
    if (Math.random() < 0.05) places[who] = Math.floor(Math.random() * BYTES.length);
    const at = places[who] ?? 0;
    const length = 1 + Math.floor(Math.random() * 60_000);
    same(await ahead.read(at, length), at, length);
    places[who] = at + length >= BYTES.length ? 0 : at + length;
  }
});

test('bytes are the reader’s own', async () => {
  same(await ahead.read(0, 1000), 0, 1000);
  (await ahead.read(1000, 1000)).fill(0);
  same(await ahead.read(2000, 1000), 2000, 1000);
  same(await ahead.read(1000, 1000), 1000, 1000);
});

test('what can not be read further on is told to who reads there', async () => {
  broken = (at, length) => at <= 200_000 && at + length > 200_000;
  same(await ahead.read(0, PART), 0, PART);
  same(await ahead.read(PART, PART), PART, PART);
  await expect(ahead.read(200_000 - 10, PART)).rejects.toThrow('EIO');
});
