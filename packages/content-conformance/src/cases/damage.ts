import assert from 'node:assert/strict';
import { DAMAGED_LABEL } from '@stowage/content';
import type { Digest } from '@stowage/core';
import type { Case, Damage, OpenStore } from '../subject.ts';
import { bytes, collect, put, readAll, refused, verifierOf } from '../support.ts';

/** Below and above what stores keep in memory, or send in one piece. */
const SIZES = [1, 5, 70_000, 3_000_000];

async function damage(store: OpenStore, digest: Digest, how: Damage): Promise<void> {
  assert.ok(store.damage, 'a subject that verifies can be damaged');
  await store.damage(digest, how);
}

async function rewrite(store: OpenStore, data: Uint8Array, expected: Digest): Promise<void> {
  await using writer = await store.writer({ ref: 'repair', expected, total: BigInt(data.length) });
  assert.equal((await writer.status()).offset, 0n);
  await writer.write(data);
  assert.equal(await writer.commit({ labels: { given: 'at the repair' } }), expected);
}

export const damageCases: readonly Case[] = [
  ...(['flip', 'cut'] as const).map((how) => ({
    id: `damage/a-${how}-is-never-served-as-the-whole`,
    needs: ['verify'] as const,
    async run({ store }: Parameters<Case['run']>[0]) {
      for (const size of SIZES) {
        const digest = await put(store, bytes(size));
        await damage(store, digest, how);
        await refused('data_loss', readAll(store, digest), digest);
        await refused('data_loss', store.info(digest), 'pull or write it again');
        await refused('data_loss', readAll(store, digest, 0n, 1n), digest);
      }
    },
  })),
  ...(['flip', 'cut'] as const).map((how) => ({
    id: `damage/a-${how}-is-found-by-verify`,
    needs: ['verify'] as const,
    async run({ store }: Parameters<Case['run']>[0]) {
      const digests = [];
      for (const size of SIZES) digests.push(await put(store, bytes(size)));
      const [, second, third] = digests as [Digest, Digest, Digest];
      for (const digest of [second, third]) await damage(store, digest, how);
      const found = await collect(verifierOf(store).verify());
      const corrupt = found.filter(({ state }) => state === 'corrupt').map(({ digest }) => digest);
      assert.deepEqual(corrupt.sort(), [second, third].sort());
      assert.ok(found.filter(({ state }) => state === 'corrupt').every(({ reason }) => reason !== ''));
      assert.equal(found.filter(({ state }) => state === 'whole').length, SIZES.length - 2);
      const known = await collect(verifierOf(store).damaged());
      assert.deepEqual(known.map(({ digest }) => digest).sort(), corrupt.sort());
      await refused('data_loss', store.info(second), second);
    },
  })),
  {
    id: 'damage/is-repaired-by-writing-again',
    needs: ['verify'],
    async run({ store }) {
      for (const [i, size] of SIZES.entries()) {
        const data = bytes(size, i + 10);
        const digest = await put(store, data);
        await damage(store, digest, 'flip');
        await refused('data_loss', readAll(store, digest));
        await rewrite(store, data, digest);
        assert.ok((await readAll(store, digest)).equals(data));
        assert.equal((await store.info(digest)).sizeBytes, BigInt(size));
        await refused('already_exists', store.writer({ ref: 'more', expected: digest }));
        const [check] = (await collect(verifierOf(store).verify([digest]))).slice(-1);
        assert.equal(check?.state, 'whole');
      }
      assert.deepEqual(await collect(verifierOf(store).damaged()), []);
    },
  },
  {
    id: 'damage/is-repaired-by-who-did-not-say-what-it-writes',
    needs: ['verify'],
    async run({ store }) {
      const digest = await put(store, 'hello');
      await damage(store, digest, 'flip');
      await refused('data_loss', readAll(store, digest));
      await using writer = await store.writer({ ref: 'unsaid' });
      await writer.write(Buffer.from('hello'));
      assert.equal(await writer.commit(), digest);
      assert.equal((await readAll(store, digest)).toString(), 'hello');
    },
  },
  {
    id: 'damage/is-not-repaired-by-other-bytes',
    needs: ['verify'],
    async run({ store }) {
      const digest = await put(store, 'hello');
      await damage(store, digest, 'flip');
      await refused('data_loss', readAll(store, digest));
      await using writer = await store.writer({ ref: 'r', expected: digest });
      await writer.write(Buffer.from('other'));
      await refused('failed_precondition', writer.commit());
      await refused('data_loss', store.info(digest));
    },
  },
  {
    id: 'damage/repaired-labels-and-age-stay',
    needs: ['verify', 'labels'],
    async run({ store }) {
      const digest = await put(store, 'hello', { labels: { kept: 'yes' } });
      const { createdAt } = await store.info(digest);
      await damage(store, digest, 'flip');
      await refused('data_loss', readAll(store, digest));
      await rewrite(store, Buffer.from('hello'), digest);
      const info = await store.info(digest);
      assert.deepEqual({ ...info.labels }, { kept: 'yes', given: 'at the repair' });
      assert.equal(info.createdAt.getTime(), createdAt.getTime());
    },
  },
  {
    id: 'damage/stays-in-lists-and-says-so',
    needs: ['verify'],
    async run({ store }) {
      const [whole, digest] = [await put(store, 'whole'), await put(store, 'hello')];
      await damage(store, digest, 'flip');
      await refused('data_loss', readAll(store, digest));
      const listed = await collect(store.list());
      assert.deepEqual(listed.map((info) => info.digest).sort(), [whole, digest].sort());
      for (const { digest: one, labels } of listed) assert.equal(DAMAGED_LABEL in labels, one === digest);
      const filtered = await collect(store.list([`labels."${DAMAGED_LABEL}"`]));
      assert.deepEqual(
        filtered.map((info) => info.digest),
        [digest],
      );
    },
  },
  {
    id: 'damage/the-mark-in-lists-is-no-label',
    needs: ['verify', 'labels'],
    async run({ store }) {
      const digest = await put(store, 'hello', { labels: { [DAMAGED_LABEL]: 'not so' } });
      assert.deepEqual({ ...(await store.info(digest)).labels }, {});
      await store.update(digest, { [DAMAGED_LABEL]: 'not so', a: '1' });
      assert.deepEqual({ ...(await store.info(digest)).labels }, { a: '1' });
    },
  },
  {
    id: 'damage/is-remembered',
    needs: ['verify', 'reopen'],
    async run({ store, reopen }) {
      const digest = await put(store, 'hello');
      await damage(store, digest, 'flip');
      await refused('data_loss', readAll(store, digest));
      const again = await reopen();
      await refused('data_loss', again.info(digest));
      await rewrite(again, Buffer.from('hello'), digest);
      assert.equal((await readAll(await reopen(), digest)).toString(), 'hello');
    },
  },
  {
    id: 'damage/ends-with-the-blob',
    needs: ['verify'],
    async run({ store }) {
      const digest = await put(store, 'hello');
      await damage(store, digest, 'flip');
      await refused('data_loss', readAll(store, digest));
      await store.delete(digest);
      await refused('not_found', store.info(digest));
      assert.deepEqual(await collect(store.list()), []);
      assert.deepEqual(await collect(verifierOf(store).damaged()), []);
    },
  },
  {
    id: 'damage/bytes-that-are-gone-are-data-loss-and-can-be-written-again',
    needs: ['verify', 'records', 'labels'],
    async run({ store }) {
      const data = Buffer.from('hello');
      const digest = await put(store, data, { labels: { kept: 'yes' } });
      await damage(store, digest, 'remove');
      await refused('data_loss', store.info(digest), 'pull or write it again');
      await refused('data_loss', readAll(store, digest), digest);
      await refused('data_loss', readAll(store, digest, 1n), digest);
      const [check] = await collect(verifierOf(store).verify([digest]));
      assert.deepEqual([check?.digest, check?.sizeBytes, check?.state], [digest, 5n, 'missing']);
      assert.equal((await collect(store.list())).length, 1);
      await rewrite(store, data, digest);
      assert.ok((await readAll(store, digest)).equals(data));
      assert.deepEqual({ ...(await store.info(digest)).labels }, { kept: 'yes', given: 'at the repair' });
    },
  },
  {
    id: 'damage/of-a-shared-blob-is-repaired-for-all',
    needs: ['verify', 'namespaces', 'records'],
    async run({ store }) {
      const { neighbour } = store;
      assert.ok(neighbour);
      for (const how of ['flip', 'cut', 'remove'] as const) {
        const data = Buffer.from(`shared, ${how}`);
        const digest = await put(neighbour, data);
        await put(store, data);
        await damage(store, digest, how);
        await refused('data_loss', readAll(neighbour, digest));
        await rewrite(store, data, digest);
        assert.ok((await readAll(neighbour, digest)).equals(data));
        assert.equal((await neighbour.info(digest)).sizeBytes, BigInt(data.length));
      }
    },
  },
  {
    id: 'damage/of-a-neighbours-blob-is-not-shared',
    needs: ['verify', 'namespaces', 'records'],
    async run({ store }) {
      const { neighbour } = store;
      assert.ok(neighbour);
      for (const how of ['cut', 'remove'] as const) {
        const data = Buffer.from(`theirs, ${how}`);
        const digest = await put(neighbour, data);
        await damage(store, digest, how);
        await rewrite(store, data, digest);
        assert.ok((await readAll(store, digest)).equals(data));
        assert.ok((await readAll(neighbour, digest)).equals(data));
      }
    },
  },
];
