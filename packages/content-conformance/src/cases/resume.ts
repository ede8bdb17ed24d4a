import assert from 'node:assert/strict';
import { digestOf } from '@stowage/core';
import type { Case } from '../subject.ts';
import { bytes, leave, readAll, writerSoon } from '../support.ts';

export const resumeCases: readonly Case[] = [
  {
    id: 'resume/where-it-was-left',
    async run({ store }) {
      await leave(store, 'r', 'hello ');
      const left = await store.status('r');
      await using writer = await store.writer({ ref: 'r' });
      const { offset, digest, startedAt } = await writer.status();
      assert.deepEqual([offset, digest], [6n, digestOf('hello ')]);
      assert.equal(startedAt.getTime(), left.startedAt.getTime());
      await writer.write(Buffer.from('world'));
      const blob = await writer.commit({ sizeBytes: 11n, expected: digestOf('hello world') });
      assert.equal((await readAll(store, blob)).toString(), 'hello world');
    },
  },
  {
    id: 'resume/in-another-algorithm',
    async run({ store }) {
      await leave(store, 'r', 'hello ');
      const expected = digestOf('hello world', 'sha512');
      await using writer = await store.writer({ ref: 'r', expected });
      assert.equal((await writer.status()).offset, 6n);
      await writer.write(Buffer.from('world'));
      assert.equal(await writer.commit(), expected);
    },
  },
  {
    id: 'resume/the-same-total-or-none-goes-on',
    async run({ store }) {
      await leave(store, 'r', 'hello', 11n);
      for (const total of [11n, undefined, 0n]) {
        await using writer = await store.writer({ ref: 'r', total });
        assert.equal((await writer.status()).offset, 5n);
      }
      assert.equal((await store.status('r')).total, 11n);
    },
  },
  {
    id: 'resume/another-total-starts-anew',
    async run({ store }) {
      await leave(store, 'r', 'hello', 11n);
      await using writer = await store.writer({ ref: 'r', total: 12n });
      const { offset, total } = await writer.status();
      assert.deepEqual([offset, total], [0n, 12n]);
      assert.equal((await store.status('r')).total, 12n);
    },
  },
  {
    id: 'resume/a-truncated-ingest-stays-truncated',
    async run({ store }) {
      {
        await using writer = await store.writer({ ref: 'r' });
        await writer.write(Buffer.from('first try, which was longer'));
        await writer.truncate(0n);
        await writer.write(Buffer.from('second'));
      }
      await using writer = await store.writer({ ref: 'r' });
      const { offset, digest } = await writer.status();
      assert.deepEqual([offset, digest], [6n, digestOf('second')]);
    },
  },
  {
    id: 'resume/after-a-reopening',
    needs: ['reopen'],
    async run({ store, reopen }) {
      const data = bytes(700_001);
      const writer = await store.writer({ ref: 'r', total: 700_001n });
      await writer.write(data.subarray(0, 500_000));
      await writer[Symbol.asyncDispose]();
      const left = await store.status('r');
      const again = await reopen();
      assert.deepEqual(await again.status('r'), left);
      await using resumed = await again.writer({ ref: 'r', total: 700_001n });
      assert.equal((await resumed.status()).digest, digestOf(data.subarray(0, 500_000)));
      await resumed.write(data.subarray(500_000));
      assert.ok((await readAll(again, await resumed.commit({ expected: digestOf(data) }))).equals(data));
    },
  },
  {
    id: 'resume/after-a-reopening-with-a-writer-open',
    needs: ['reopen'],
    async run({ store, reopen }) {
      const writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello'));
      const again = await reopen();
      await using resumed = await writerSoon(again, 'r');
      assert.equal((await resumed.status()).offset, 5n);
      await writer[Symbol.asyncDispose]();
    },
  },
];
