import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { ABSENT, bytes, collect, failureOf, put, refused, verifierOf } from '../support.ts';

export const verifyCases: readonly Case[] = [
  {
    id: 'verify/finds-every-blob-whole-once',
    needs: ['verify'],
    async run({ store }) {
      const written = [await put(store, ''), await put(store, 'a'), await put(store, bytes(3_000_000))];
      written.push(await put(store, 'b', { algorithm: 'sha512' }));
      const checks = await collect(verifierOf(store).verify());
      for (const { digest, sizeBytes } of await collect(store.list())) {
        const [check, ...more] = checks.filter((one) => one.digest === digest && one.state !== 'running');
        assert.equal(more.length, 0);
        assert.deepEqual(check, { digest, sizeBytes, checkedBytes: sizeBytes, state: 'whole', reason: '' });
      }
      assert.deepEqual([...new Set(checks.map(({ digest }) => digest))].sort(), written.sort());
      assert.deepEqual(await collect(verifierOf(store).damaged()), []);
    },
  },
  {
    id: 'verify/only-what-is-named',
    needs: ['verify'],
    async run({ store }) {
      const [a, b] = [await put(store, 'a'), await put(store, 'b'), await put(store, 'c')];
      const checks = await collect(verifierOf(store).verify([b, a]));
      assert.deepEqual(
        checks.map(({ digest, state }) => [digest, state]),
        [
          [b, 'whole'],
          [a, 'whole'],
        ],
      );
    },
  },
  {
    id: 'verify/of-an-unknown-blob-is-not-found',
    needs: ['verify'],
    async run({ store }) {
      await refused('not_found', collect(verifierOf(store).verify([ABSENT])), ABSENT);
    },
  },
  {
    id: 'verify/of-an-empty-store-finds-nothing',
    needs: ['verify'],
    async run({ store }) {
      assert.deepEqual(await collect(verifierOf(store).verify()), []);
    },
  },
  {
    id: 'verify/tells-how-far-it-is',
    needs: ['verify'],
    async run({ store }) {
      const digest = await put(store, Buffer.alloc(36_000_000, 'progress'));
      const checks = await collect(verifierOf(store).verify([digest]));
      assert.ok(checks.length > 1, 'a long blob takes more than one message');
      let checked = -1n;
      for (const one of checks) {
        assert.ok(one.checkedBytes > checked);
        checked = one.checkedBytes;
        assert.deepEqual([one.digest, one.sizeBytes], [digest, 36_000_000n]);
      }
      assert.ok(checks.slice(0, -1).every(({ state }) => state === 'running'));
      assert.equal(checks.at(-1)?.state, 'whole');
    },
  },
  {
    id: 'verify/can-be-given-up',
    needs: ['verify'],
    async run({ store }) {
      const digest = await put(store, Buffer.alloc(36_000_000));
      const reason = new Error('given up by the caller');
      const gone = AbortSignal.abort(reason);
      assert.equal(await failureOf(collect(verifierOf(store).verify([digest], { signal: gone }))), reason);
      assert.equal(await failureOf(collect(verifierOf(store).damaged({ signal: gone }))), reason);
      const stop = new AbortController();
      const verifying = (async () => {
        for await (const _ of verifierOf(store).verify([digest], { signal: stop.signal })) stop.abort(reason);
      })();
      assert.equal(await failureOf(verifying), reason);
    },
  },
];
