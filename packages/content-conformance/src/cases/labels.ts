import assert from 'node:assert/strict';
import { digestOf } from '@stowage/core';
import type { Case } from '../subject.ts';
import { ABSENT, collect, put, refused } from '../support.ts';

export const labelCases: readonly Case[] = [
  {
    id: 'labels/given-at-commit',
    needs: ['labels'],
    async run({ store }) {
      const digest = await put(store, 'hello', { labels: { 'a.b/c': '1', empty: '' } });
      assert.deepEqual({ ...(await store.info(digest)).labels }, { 'a.b/c': '1' });
    },
  },
  {
    id: 'labels/replaced-as-a-whole',
    needs: ['labels'],
    async run({ store }) {
      const digest = await put(store, 'hello', { labels: { a: '1', b: '2' } });
      for (const paths of [undefined, [], ['labels']]) {
        const info = await store.update(digest, { b: '3', c: '' }, paths);
        assert.deepEqual({ ...info.labels }, { b: '3' });
        assert.deepEqual(await store.info(digest), info);
        await store.update(digest, { a: '1', b: '2' });
      }
    },
  },
  {
    id: 'labels/changed-one-by-one',
    needs: ['labels'],
    async run({ store }) {
      const digest = await put(store, 'hello', { labels: { a: '1', b: '2', 'x.y/z': '3' } });
      const set = await store.update(digest, { a: '9', 'x.y/z': '4' }, ['labels.x.y/z']);
      assert.deepEqual({ ...set.labels }, { a: '1', b: '2', 'x.y/z': '4' });
      const cleared = await store.update(digest, { a: '' }, ['labels.a', 'labels.b']);
      assert.deepEqual({ ...cleared.labels }, { 'x.y/z': '4' });
    },
  },
  {
    id: 'labels/update-stamps-and-keeps-the-rest',
    needs: ['labels'],
    async run({ store }) {
      const digest = await put(store, 'hello');
      const before = await store.info(digest);
      const after = await store.update(digest, { a: '1' });
      assert.equal(after.sizeBytes, before.sizeBytes);
      assert.equal(after.createdAt.getTime(), before.createdAt.getTime());
      assert.ok(after.updatedAt >= before.updatedAt);
    },
  },
  {
    id: 'labels/found-by-filters',
    needs: ['labels'],
    async run({ store }) {
      const digest = await put(store, 'a', { labels: { 'x.y/z': 'red', 'p.q': 'red' } });
      await put(store, 'b', { labels: { 'x.y/z': 'blue' } });
      await put(store, 'c');
      for (const filter of ['labels."x.y/z"==red', 'labels.p.q==red', 'labels.p.q']) {
        const found = await collect(store.list([filter]));
        assert.deepEqual(
          found.map((info) => info.digest),
          [digest],
        );
      }
      assert.equal((await collect(store.list(['labels."x.y/z"']))).length, 2);
    },
  },
  {
    id: 'labels/what-update-refuses',
    needs: ['labels'],
    async run({ store }) {
      const digest = await put(store, 'hello', { labels: { a: '1' } });
      await refused('not_found', store.update(ABSENT, { a: '1' }));
      await refused('invalid_argument', store.update(digest, { a: '2' }, ['size']));
      await refused('invalid_argument', store.update(digest, { a: '2' }, ['labels.a', 'digest']));
      await refused('invalid_argument', store.update(digest, { a: 'x'.repeat(4096) }));
      assert.deepEqual({ ...(await store.info(digest)).labels }, { a: '1' });
    },
  },
  {
    id: 'labels/too-long-at-commit-are-refused-and-the-ingest-stays',
    needs: ['labels'],
    async run({ store }) {
      const labels = { a: 'x'.repeat(4096) };
      await refused('invalid_argument', put(store, 'hello', { labels }));
      await refused('not_found', store.info(digestOf('hello')));
      assert.equal((await store.status(`put-${digestOf('hello')}`)).offset, 5n);
    },
  },
  {
    id: 'labels/of-a-late-commit-change-nothing',
    needs: ['labels'],
    async run({ store }) {
      const digest = await put(store, 'hello', { labels: { a: '1' } });
      await using writer = await store.writer({ ref: 'late' });
      await writer.write(Buffer.from('hello'));
      await refused('already_exists', writer.commit({ labels: { a: '2', b: '3' } }));
      assert.deepEqual({ ...(await store.info(digest)).labels }, { a: '1' });
    },
  },
  {
    id: 'labels/survive-a-reopening',
    needs: ['labels', 'reopen'],
    async run({ store, reopen }) {
      const digest = await put(store, 'hello', { labels: { a: '1' } });
      const info = await store.update(digest, { b: '2' }, ['labels.b']);
      assert.deepEqual(await (await reopen()).info(digest), info);
    },
  },
  {
    id: 'labels/are-refused-where-none-are-kept',
    without: 'labels',
    async run({ store }) {
      const digest = await put(store, 'hello');
      await refused('unimplemented', store.update(digest, { a: '1' }));
      await refused('not_found', store.update(ABSENT, { a: '1' }));
    },
  },
];
