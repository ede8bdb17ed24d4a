import assert from 'node:assert/strict';
import { digestOf } from '@stowage/core';
import type { Case } from '../subject.ts';
import { bytes, collect, leave, put, readAll, refused } from '../support.ts';

/** Texts that a careless store turns into paths, keys or properties. */
const REFS = [
  '../../../etc/passwd',
  '/',
  '..',
  'a/b',
  '__proto__',
  'layer-sha256:00',
  'ref with spaces\nand lines',
  'ünïcödé 🐚',
  'x'.repeat(4000),
];

export const writerCases: readonly Case[] = [
  {
    id: 'writers/status-tells-where-the-ingest-stands',
    async run({ store }) {
      const before = Date.now() - 1000;
      await using writer = await store.writer({ ref: 'r', total: 7n });
      assert.equal(writer.ref, 'r');
      assert.equal((await writer.status()).offset, 0n);
      await writer.write(Buffer.from('hello'));
      const status = await writer.status();
      assert.equal(status.ref, 'r');
      assert.equal(status.offset, 5n);
      assert.equal(status.total, 7n);
      assert.equal(status.digest, digestOf('hello'));
      assert.ok(status.startedAt.getTime() >= before && status.updatedAt >= status.startedAt);
      const seen = await store.status('r');
      assert.equal(seen.ref, 'r');
      assert.equal(seen.offset, 5n);
      assert.equal(seen.total, 7n);
      assert.equal(seen.startedAt.getTime(), status.startedAt.getTime());
    },
  },
  {
    id: 'writers/status-of-an-unknown-ref-is-not-found',
    async run({ store }) {
      await refused('not_found', store.status('nobody'), 'nobody');
    },
  },
  {
    id: 'writers/an-ingest-is-no-blob',
    async run({ store }) {
      await leave(store, 'r', 'hello');
      assert.deepEqual(await collect(store.list()), []);
      await refused('not_found', store.info(digestOf('hello')));
    },
  },
  {
    id: 'writers/one-at-a-time-holds-a-ref',
    async run({ store }) {
      const writer = await store.writer({ ref: 'r' });
      await refused('unavailable', store.writer({ ref: 'r' }), 'locked for');
      await using _other = await store.writer({ ref: 'other' });
      await writer[Symbol.asyncDispose]();
      await using again = await store.writer({ ref: 'r' });
      assert.equal((await again.status()).offset, 0n);
    },
  },
  {
    id: 'writers/of-two-that-open-at-once-one-gets-the-ref',
    async run({ store }) {
      const tries = await Promise.allSettled([1, 2, 3, 4].map(() => store.writer({ ref: 'r' })));
      const won = tries.filter((t) => t.status === 'fulfilled');
      assert.equal(won.length, 1);
      for (const lost of tries.filter((t) => t.status === 'rejected')) {
        await refused('unavailable', Promise.reject(lost.reason));
      }
      await won[0]?.value[Symbol.asyncDispose]();
    },
  },
  {
    id: 'writers/the-buffer-may-be-used-again',
    async run({ store }) {
      const data = bytes(300_000);
      const buffer = Buffer.alloc(1000);
      await using writer = await store.writer({ ref: 'r' });
      for (let at = 0; at < data.length; at += buffer.length) {
        data.copy(buffer, 0, at);
        await writer.write(buffer);
      }
      assert.ok((await readAll(store, await writer.commit())).equals(data));
    },
  },
  {
    id: 'writers/an-empty-ref-is-refused',
    async run({ store }) {
      await refused('invalid_argument', store.writer({ ref: '' }));
    },
  },
  {
    id: 'writers/a-ref-is-any-text',
    async run({ store }) {
      for (const [i, ref] of REFS.entries()) await leave(store, ref, 'x'.repeat(i + 1));
      for (const [i, ref] of REFS.entries()) assert.equal((await store.status(ref)).offset, BigInt(i + 1));
      assert.deepEqual((await collect(store.statuses())).map(({ ref }) => ref).sort(), [...REFS].sort());
      for (const ref of REFS) await store.abort(ref);
      assert.deepEqual(await collect(store.statuses()), []);
    },
  },
  {
    id: 'writers/a-blob-that-is-here-need-not-be-written',
    async run({ store }) {
      const expected = await put(store, 'here');
      await refused('already_exists', store.writer({ ref: 'r', expected }));
      await refused('not_found', store.status('r'));
      await using _free = await store.writer({ ref: 'r' });
    },
  },
  {
    id: 'writers/truncate-to-0-starts-anew',
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('wrong and longer'));
      await writer.truncate(0n);
      assert.equal((await writer.status()).offset, 0n);
      await writer.write(Buffer.from('right'));
      assert.equal((await writer.status()).digest, digestOf('right'));
      assert.equal((await readAll(store, await writer.commit({ sizeBytes: 5n }))).toString(), 'right');
    },
  },
  {
    id: 'writers/truncate-to-where-it-stands-changes-nothing',
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r' });
      await writer.truncate(0n);
      await writer.write(Buffer.from('hello'));
      await writer.truncate(5n);
      assert.equal((await writer.status()).digest, digestOf('hello'));
    },
  },
  {
    id: 'writers/truncate-past-the-end-is-out-of-range',
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello'));
      await refused('out_of_range', writer.truncate(6n));
      assert.equal((await writer.status()).offset, 5n);
    },
  },
  {
    id: 'writers/truncate-keeps-what-is-before',
    needs: ['truncate'],
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello world'));
      await writer.truncate(6n);
      await writer.write(Buffer.from('there'));
      const { offset, digest } = await writer.status();
      assert.deepEqual([offset, digest], [11n, digestOf('hello there')]);
      assert.equal((await readAll(store, await writer.commit())).toString(), 'hello there');
    },
  },
  {
    id: 'writers/truncate-in-between-is-refused',
    without: 'truncate',
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello'));
      await refused('unimplemented', writer.truncate(2n));
      assert.equal((await writer.status()).digest, digestOf('hello'));
    },
  },
  {
    id: 'writers/nothing-after-disposal',
    async run({ store }) {
      const writer = await store.writer({ ref: 'r' });
      await writer[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      await refused('failed_precondition', writer.write(Buffer.from('x')));
      await refused('failed_precondition', writer.status());
      await refused('failed_precondition', writer.commit());
    },
  },
];
