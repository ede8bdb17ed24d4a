import assert from 'node:assert/strict';
import { digestOf } from '@stowage/core';
import type { Case } from '../subject.ts';
import { ABSENT, bytes, collect, put, readAll, refused } from '../support.ts';

export const blobCases: readonly Case[] = [
  {
    id: 'blobs/fresh-store-is-empty',
    async run({ store }) {
      assert.deepEqual(await collect(store.list()), []);
      assert.deepEqual(await collect(store.statuses()), []);
    },
  },
  {
    id: 'blobs/what-was-written-can-be-read',
    async run({ store }) {
      const data = bytes(100_000);
      const digest = await put(store, data);
      assert.equal(digest, digestOf(data));
      assert.ok((await readAll(store, digest)).equals(data));
    },
  },
  {
    id: 'blobs/info',
    async run({ store }) {
      const before = Date.now();
      const digest = await put(store, 'hello');
      const info = await store.info(digest);
      assert.equal(info.digest, digest);
      assert.equal(info.sizeBytes, 5n);
      assert.deepEqual({ ...info.labels }, {});
      // File systems stamp by a coarse clock.
      assert.ok(info.createdAt.getTime() >= before - 1000 && info.createdAt.getTime() <= Date.now() + 1000);
      assert.ok(info.updatedAt >= info.createdAt);
    },
  },
  {
    id: 'blobs/an-empty-blob-is-a-blob',
    async run({ store }) {
      const digest = await put(store, '');
      assert.equal(digest, digestOf(''));
      assert.equal((await store.info(digest)).sizeBytes, 0n);
      assert.equal((await readAll(store, digest)).length, 0);
    },
  },
  {
    id: 'blobs/larger-than-any-message',
    async run({ store }) {
      const data = bytes(20 * 1024 * 1024 + 1);
      await using writer = await store.writer({ ref: 'big', total: BigInt(data.length) });
      await writer.write(data);
      const digest = await writer.commit({ sizeBytes: BigInt(data.length) });
      assert.equal(digest, digestOf(data));
      assert.ok((await readAll(store, digest)).equals(data));
    },
  },
  {
    id: 'blobs/written-in-pieces-of-any-size',
    async run({ store }) {
      const pieces = [1, 0, 65_536, 7, 262_145, 4096].map((size, i) => bytes(size, i + 1));
      await using writer = await store.writer({ ref: 'pieces' });
      for (const piece of pieces) await writer.write(piece);
      const whole = Buffer.concat(pieces);
      const digest = await writer.commit();
      assert.equal(digest, digestOf(whole));
      assert.ok((await readAll(store, digest)).equals(whole));
    },
  },
  ...(['sha384', 'sha512'] as const).map((algorithm) => ({
    id: `blobs/named-by-${algorithm}`,
    async run({ store }: Parameters<Case['run']>[0]) {
      const data = bytes(10_000);
      const digest = await put(store, data, { algorithm });
      assert.equal(digest, digestOf(data, algorithm));
      assert.ok((await readAll(store, digest)).equals(data));
      assert.equal((await store.info(digest)).sizeBytes, 10_000n);
    },
  })),
  {
    id: 'blobs/absent-is-not-found-and-named',
    async run({ store }) {
      await refused('not_found', store.info(ABSENT), ABSENT);
      await refused('not_found', store.delete(ABSENT), ABSENT);
    },
  },
  {
    id: 'blobs/delete',
    async run({ store }) {
      const gone = await put(store, 'gone');
      const kept = await put(store, 'kept');
      await store.delete(gone);
      await refused('not_found', store.info(gone));
      await refused('not_found', readAll(store, gone));
      await refused('not_found', store.delete(gone));
      assert.deepEqual(
        (await collect(store.list())).map(({ digest }) => digest),
        [kept],
      );
    },
  },
  {
    id: 'blobs/deleted-can-be-written-again',
    async run({ store }) {
      const digest = await put(store, 'again');
      await store.delete(digest);
      assert.equal(await put(store, 'again'), digest);
      assert.equal((await readAll(store, digest)).toString(), 'again');
    },
  },
  {
    id: 'blobs/survive-a-reopening',
    needs: ['reopen'],
    async run({ store, reopen }) {
      const digest = await put(store, 'lasting');
      const info = await store.info(digest);
      const again = await reopen();
      assert.deepEqual(await again.info(digest), info);
      assert.equal((await readAll(again, digest)).toString(), 'lasting');
    },
  },
];
