import assert from 'node:assert/strict';
import type { ContentStore } from '@stowage/content';
import { digestOf } from '@stowage/core';
import type { Case, OpenStore } from '../subject.ts';
import { collect, leave, put, readAll, refused } from '../support.ts';

function neighbourOf({ neighbour }: OpenStore): ContentStore {
  assert.ok(neighbour, 'a subject with namespaces has a neighbour');
  return neighbour;
}

export const sharingCases: readonly Case[] = [
  {
    id: 'sharing/blobs-and-ingests-of-a-neighbour-are-not-seen',
    needs: ['namespaces'],
    async run({ store }) {
      const neighbour = neighbourOf(store);
      const digest = await put(neighbour, 'theirs');
      await leave(neighbour, 'r', 'half');
      await refused('not_found', store.info(digest));
      await refused('not_found', readAll(store, digest));
      await refused('not_found', store.delete(digest));
      await refused('not_found', store.update(digest, { a: '1' }));
      await refused('not_found', store.status('r'));
      await refused('not_found', store.abort('r'));
      assert.deepEqual(await collect(store.list()), []);
      assert.deepEqual(await collect(store.statuses()), []);
      await using own = await store.writer({ ref: 'r' });
      assert.equal((await own.status()).offset, 0n);
      assert.equal((await neighbour.status('r')).offset, 4n);
    },
  },
  {
    id: 'sharing/a-neighbours-blob-needs-no-bytes',
    needs: ['namespaces', 'shares'],
    async run({ store }) {
      const expected = await put(neighbourOf(store), 'theirs', { labels: { whose: 'theirs' } });
      await using writer = await store.writer({ ref: 'r', expected });
      const { offset, total, digest } = await writer.status();
      assert.deepEqual([offset, total, digest], [6n, 6n, expected]);
      await refused('not_found', store.info(expected));
      assert.equal(await writer.commit({ sizeBytes: 6n, expected, labels: { whose: 'ours' } }), expected);
      assert.equal((await readAll(store, expected)).toString(), 'theirs');
      assert.deepEqual({ ...(await store.info(expected)).labels }, { whose: 'ours' });
      assert.deepEqual({ ...(await neighbourOf(store).info(expected)).labels }, { whose: 'theirs' });
      await refused('not_found', store.status('r'));
    },
  },
  {
    id: 'sharing/a-neighbours-blob-of-another-size-is-not-it',
    needs: ['namespaces'],
    async run({ store }) {
      const expected = await put(neighbourOf(store), 'theirs');
      await using writer = await store.writer({ ref: 'r', expected, total: 7n });
      assert.equal((await writer.status()).offset, 0n);
    },
  },
  {
    id: 'sharing/a-neighbours-blob-has-to-be-sent',
    needs: ['namespaces'],
    without: 'shares',
    async run({ store }) {
      const text = 'theirs';
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const expected = await put(neighbourOf(store), text, { algorithm });
        {
          await using writer = await store.writer({ ref: algorithm, expected, total: 6n });
          assert.equal((await writer.status()).offset, 0n);
          await refused('failed_precondition', writer.commit());
        }
        await refused('not_found', store.info(expected));
        {
          await using writer = await store.writer({ ref: algorithm, expected, total: 6n });
          await writer.truncate(0n);
          await writer.write(Buffer.from('others'));
          await refused('failed_precondition', writer.commit());
        }
        await using writer = await store.writer({ ref: algorithm, expected, total: 6n });
        await writer.truncate(0n);
        await writer.write(Buffer.from(text));
        assert.equal(await writer.commit(), expected);
        assert.equal((await readAll(store, expected)).toString(), text);
      }
      assert.deepEqual(await collect(store.statuses()), []);
    },
  },
  {
    id: 'sharing/a-blob-that-both-have-goes-from-one-alone',
    needs: ['namespaces'],
    async run({ store }) {
      const neighbour = neighbourOf(store);
      const digest = await put(neighbour, 'ours');
      assert.equal(await put(store, 'ours'), digest);
      await neighbour.delete(digest);
      await refused('not_found', neighbour.info(digest));
      assert.equal((await readAll(store, digest)).toString(), 'ours');
      assert.equal((await store.info(digestOf('ours'))).sizeBytes, 4n);
    },
  },
];
