import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { ABSENT, bytes, collect, put, readAll, refused } from '../support.ts';

const SIZE = 3_000_000;

/** Offset and length, around the ends and around the sizes that chunks and messages tend to have. */
const RANGES: ReadonlyArray<readonly [offset: number, length: number]> = [
  [0, 1],
  [0, 32_768],
  [1, 262_144],
  [262_143, 2],
  [1_048_575, 1_048_577],
  [2_999_999, 1],
  [1234, 2_000_001],
];

export const readCases: readonly Case[] = [
  {
    id: 'reads/exactly-the-range',
    async run({ store }) {
      const data = bytes(SIZE);
      const digest = await put(store, data);
      for (const [offset, length] of RANGES) {
        const read = await readAll(store, digest, BigInt(offset), BigInt(length));
        assert.ok(read.equals(data.subarray(offset, offset + length)), `range ${offset}+${length} differs`);
      }
    },
  },
  {
    id: 'reads/a-length-past-the-end-is-clipped',
    async run({ store }) {
      const digest = await put(store, 'hello');
      assert.equal((await readAll(store, digest, 3n, 100n)).toString(), 'lo');
    },
  },
  {
    id: 'reads/no-length-and-length-0-mean-to-the-end',
    async run({ store }) {
      const digest = await put(store, 'hello');
      assert.equal((await readAll(store, digest, 1n)).toString(), 'ello');
      assert.equal((await readAll(store, digest, 1n, 0n)).toString(), 'ello');
    },
  },
  {
    id: 'reads/at-the-end-nothing-past-it-out-of-range',
    async run({ store }) {
      const digest = await put(store, 'hello');
      assert.equal((await readAll(store, digest, 5n)).length, 0);
      await refused('out_of_range', readAll(store, digest, 6n));
      await refused('out_of_range', readAll(store, digest, 6n, 1n));
    },
  },
  {
    id: 'reads/fail-at-the-first-next-not-at-the-call',
    async run({ store }) {
      const read = store.read(ABSENT);
      await refused('not_found', collect(read), ABSENT);
    },
  },
  {
    id: 'reads/a-chunk-stays-as-it-is-while-others-come',
    async run({ store }) {
      const data = bytes(SIZE);
      const digest = await put(store, data);
      const chunks = await collect(store.read(digest));
      assert.ok(Buffer.concat(chunks).equals(data), 'the chunks do not add up to the blob');
    },
  },
  {
    id: 'reads/side-by-side-and-left-early',
    async run({ store }) {
      const data = bytes(SIZE);
      const digest = await put(store, data);
      const early = async () => {
        for await (const chunk of store.read(digest)) return chunk.byteLength;
        return 0;
      };
      const [a, b, left] = await Promise.all([readAll(store, digest), readAll(store, digest, 5n), early()]);
      assert.ok(a.equals(data) && b.equals(data.subarray(5)));
      assert.ok(left > 0);
    },
  },
];
