import assert from 'node:assert/strict';
import { digestOf } from '@stowage/core';
import type { Case } from '../subject.ts';
import { collect, leave, put, refused } from '../support.ts';

/** More than one message of a list holds. */
const MANY = 105;

export const listCases: readonly Case[] = [
  {
    id: 'lists/every-blob-once',
    async run({ store }) {
      const written = await Promise.all(Array.from({ length: MANY }, (_, i) => put(store, `blob ${i}`)));
      const listed = await collect(store.list());
      assert.deepEqual(listed.map(({ digest }) => digest).sort(), written.sort());
    },
  },
  {
    id: 'lists/items-are-what-info-says',
    async run({ store }) {
      const digest = await put(store, 'hello');
      assert.deepEqual(await collect(store.list()), [await store.info(digest)]);
    },
  },
  {
    id: 'lists/filters-of-blobs',
    async run({ store }) {
      const [a, b] = [await put(store, 'a'), await put(store, 'b'), await put(store, 'c')];
      const found = async (...filters: string[]) =>
        (await collect(store.list(filters))).map(({ digest }) => digest).sort();
      assert.deepEqual(await found(`digest==${a}`), [a]);
      assert.deepEqual(await found(`digest==${a}`, `digest==${b}`), [a, b].sort());
      assert.deepEqual(await found(`digest==${a},digest==${b}`), []);
      assert.equal((await found('digest~=^sha256:')).length, 3);
      assert.deepEqual(await found('colour==red'), []);
      assert.equal((await found(`digest!=${a}`)).length, 2);
      assert.equal((await found(`digest!=${a},digest!=${b}`)).length, 1);
      // As containerd: taken, and never so (core/content/adaptor.go).
      assert.deepEqual(await found('size==1'), []);
      assert.deepEqual(await found('digest~="(["'), []);
    },
  },
  {
    id: 'lists/of-ingests-and-their-filters',
    async run({ store }) {
      await leave(store, 'layer-1', 'one', 100n);
      await leave(store, 'layer-2', 'twelve');
      await leave(store, 'config', '');
      const found = async (...filters: string[]) =>
        (await collect(store.statuses(filters))).map(({ ref, offset, total }) => [ref, offset, total]).sort();
      assert.deepEqual(await found(), [
        ['config', 0n, 0n],
        ['layer-1', 3n, 100n],
        ['layer-2', 6n, 0n],
      ]);
      assert.deepEqual(await found('ref==layer-2'), [['layer-2', 6n, 0n]]);
      assert.equal((await found('ref~=^layer-')).length, 2);
      assert.deepEqual(await found('ref==layer'), []);
    },
  },
  {
    id: 'lists/an-ingest-is-listed-while-it-is-written',
    async run({ store }) {
      await using writer = await store.writer({ ref: 'r', total: 10n, expected: digestOf('0123456789') });
      await writer.write(Buffer.from('0123'));
      const [status] = await collect(store.statuses());
      assert.equal(status?.ref, 'r');
      assert.equal(status.offset, 4n);
      assert.equal(status.total, 10n);
    },
  },
  {
    id: 'lists/bad-filters-fail-at-the-first-next',
    async run({ store }) {
      const [blobs, ingests] = [store.list(['digest=']), store.statuses(['=='])];
      await refused('invalid_argument', collect(blobs));
      await refused('invalid_argument', collect(ingests));
    },
  },
];
