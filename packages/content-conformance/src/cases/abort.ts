import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { collect, leave, refused } from '../support.ts';

export const abortCases: readonly Case[] = [
  {
    id: 'abort/drops-an-ingest',
    async run({ store }) {
      await leave(store, 'r', 'hello');
      await leave(store, 'other', 'x');
      await store.abort('r');
      await refused('not_found', store.status('r'));
      assert.deepEqual(
        (await collect(store.statuses())).map(({ ref }) => ref),
        ['other'],
      );
      await using writer = await store.writer({ ref: 'r' });
      assert.equal((await writer.status()).offset, 0n);
    },
  },
  {
    id: 'abort/of-an-unknown-ref-is-not-found',
    async run({ store }) {
      await refused('not_found', store.abort('nobody'), 'nobody');
      await leave(store, 'r', 'x');
      await store.abort('r');
      await refused('not_found', store.abort('r'));
    },
  },
  {
    id: 'abort/ends-the-writer',
    async run({ store }) {
      const writer = await store.writer({ ref: 'r' });
      await writer.write(Buffer.from('hello'));
      await store.abort('r');
      await refused('not_found', store.status('r'));
      await refused('aborted', writer.write(Buffer.from('more')));
      await using next = await store.writer({ ref: 'r' });
      await next.write(Buffer.from('mine'));
      await writer[Symbol.asyncDispose]();
      assert.equal((await store.status('r')).offset, 4n);
    },
  },
];
