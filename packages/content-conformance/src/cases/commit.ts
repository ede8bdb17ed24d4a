import assert from 'node:assert/strict';
import { digestOf, Fault } from '@stowage/core';
import type { Case } from '../subject.ts';
import { ABSENT, bytes, collect, put, readAll, refused } from '../support.ts';

export const commitCases: readonly Case[] = [
  {
    id: 'commit/ends-the-ingest-and-the-writer',
    async run({ store }) {
      const writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello'));
      assert.equal(await writer.commit(), digestOf('hello'));
      await refused('not_found', store.status('r'));
      assert.deepEqual(await collect(store.statuses()), []);
      await refused('failed_precondition', writer.write(Buffer.from('more')));
      await refused('failed_precondition', writer.commit());
      await using next = await store.writer({ ref: 'r' });
      assert.equal((await next.status()).offset, 0n);
      await writer[Symbol.asyncDispose]();
      await refused('unavailable', store.writer({ ref: 'r' }));
    },
  },
  {
    id: 'commit/another-size-is-refused-and-the-ingest-stays',
    async run({ store }) {
      for (const sizeBytes of [4n, 6n, 0n]) {
        await using writer = await store.writer({ ref: 'r' });
        await writer.truncate(0n);
        await writer.write(Buffer.from('hello'));
        await refused('failed_precondition', writer.commit({ sizeBytes }));
        assert.equal((await store.status('r')).offset, 5n);
      }
      await refused('not_found', store.info(digestOf('hello')));
      await using writer = await store.writer({ ref: 'r' });
      assert.equal(await writer.commit({ sizeBytes: 5n }), digestOf('hello'));
    },
  },
  {
    id: 'commit/another-digest-is-refused-and-the-ingest-stays',
    async run({ store }) {
      {
        await using writer = await store.writer({ ref: 'r' });
        await writer.write(Buffer.from('hello'));
        await refused('failed_precondition', writer.commit({ expected: ABSENT }));
      }
      await refused('not_found', store.info(ABSENT));
      await refused('not_found', store.info(digestOf('hello')));
      await using writer = await store.writer({ ref: 'r' });
      assert.equal((await writer.status()).offset, 5n);
      await writer.truncate(0n);
      await writer.write(Buffer.from('right'));
      assert.equal(await writer.commit({ expected: digestOf('right') }), digestOf('right'));
    },
  },
  {
    id: 'commit/expects-what-the-writer-was-opened-with',
    async run({ store }) {
      {
        await using writer = await store.writer({ ref: 'digest', expected: ABSENT });
        await writer.write(Buffer.from('hello'));
        await refused('failed_precondition', writer.commit());
      }
      await using writer = await store.writer({ ref: 'size', total: 9n });
      await writer.write(Buffer.from('hello'));
      await refused('failed_precondition', writer.commit());
    },
  },
  {
    id: 'commit/expects-nothing-that-an-earlier-writer-was-opened-with',
    async run({ store }) {
      const earlier = await store.writer({ ref: 'r', expected: ABSENT, total: 5n });
      await earlier.write(Buffer.from('hel'));
      await earlier[Symbol.asyncDispose]();
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('lo!'));
      assert.equal(await writer.commit(), digestOf('hello!'));
    },
  },
  {
    id: 'commit/a-failed-one-frees-the-ref',
    async run({ store }) {
      const writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello'));
      await refused('failed_precondition', writer.commit({ sizeBytes: 1n }));
      await using next = await store.writer({ ref: 'r' });
      await refused('failed_precondition', writer.write(Buffer.from('x')));
      await writer[Symbol.asyncDispose]();
      assert.equal((await next.status()).digest, digestOf('hello'));
    },
  },
  {
    id: 'commit/in-another-algorithm-than-was-hashed-so-far',
    async run({ store }) {
      const data = bytes(2_000_000);
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(data);
      const expected = digestOf(data, 'sha512');
      assert.equal(await writer.commit({ expected }), expected);
      assert.ok((await readAll(store, expected)).equals(data));
      await refused('not_found', store.info(digestOf(data)));
    },
  },
  {
    id: 'commit/of-a-blob-that-is-here-drops-the-ingest',
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('twice'));
      const digest = await put(store, 'twice');
      await refused('already_exists', writer.commit({ expected: digest }));
      await refused('not_found', store.status('r'));
      assert.equal((await readAll(store, digest)).toString(), 'twice');
      await using next = await store.writer({ ref: 'r' });
      assert.equal((await next.status()).offset, 0n);
    },
  },
  {
    id: 'commit/of-a-blob-that-is-here-unexpectedly',
    async run({ store }) {
      const digest = await put(store, 'twice');
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('twice'));
      await refused('already_exists', writer.commit());
      await refused('not_found', store.status('r'));
      assert.equal((await readAll(store, digest)).toString(), 'twice');
    },
  },
  {
    id: 'commit/another-size-is-refused-though-the-blob-is-here',
    async run({ store }) {
      const digest = await put(store, 'twice');
      for (const [ref, sizeBytes, total] of [
        ['at the commit', 4n, undefined],
        ['from the start', undefined, 6n],
      ] as const) {
        await using writer = await store.writer({ ref, total });
        await writer.write(Buffer.from('twice'));
        await refused('failed_precondition', writer.commit({ sizeBytes }));
        assert.equal((await store.status(ref)).offset, 5n);
      }
      assert.equal((await readAll(store, digest)).toString(), 'twice');
    },
  },
  {
    id: 'commit/of-the-same-bytes-at-once-one-wins',
    async run({ store }) {
      const data = bytes(100_000);
      const race = async (ref: string) => {
        await using writer = await store.writer({ ref });
        await writer.write(data);
        return writer.commit({ expected: digestOf(data) });
      };
      const ends = await Promise.allSettled(['a', 'b', 'c', 'd'].map(race));
      const won = ends.filter((end) => end.status === 'fulfilled');
      const late = ends.filter((end) => end.status === 'rejected' && Fault.is(end.reason, 'already_exists'));
      assert.deepEqual([won.length, late.length], [1, 3]);
      assert.ok((await readAll(store, digestOf(data))).equals(data));
      assert.deepEqual(await collect(store.statuses()), []);
    },
  },
];
