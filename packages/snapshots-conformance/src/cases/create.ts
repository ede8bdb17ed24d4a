import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { commitLayer, names, pairs, refused } from '../support.ts';

export const createCases: readonly Case[] = [
  {
    id: 'harness/starts-empty',
    async run({ snapshotter: s }) {
      assert.deepEqual(await names(s), []);
      await refused('not_found', s.stat('anything'));
    },
  },
  {
    id: 'prepare/makes-an-active-snapshot',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      // Clocks are compared across a socket and to the millisecond, so a little slack on both sides.
      const before = Date.now() - 1000;
      await s.prepare('k', 'base', { labels: { a: '1' } });
      const info = await s.stat('k');
      assert.equal(info.name, 'k');
      assert.equal(info.parent, 'base');
      assert.equal(info.kind, 'active');
      assert.deepEqual(pairs(info.labels), [['a', '1']]);
      assert.ok(info.createdAt.getTime() >= before && info.createdAt.getTime() <= Date.now() + 1000);
      assert.ok(info.updatedAt >= info.createdAt);
    },
  },
  {
    id: 'prepare/needs-no-parent',
    async run({ snapshotter: s }) {
      await s.prepare('k', '');
      assert.equal((await s.stat('k')).parent, '');
    },
  },
  {
    id: 'prepare/answers-the-mounts-that-mounts-answers',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      const mounts = await s.prepare('k', 'base');
      assert.ok(mounts.length > 0);
      assert.deepEqual(await s.mounts('k'), mounts);
      assert.deepEqual(await s.mounts('k'), mounts);
    },
  },
  {
    id: 'view/makes-a-view',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      const mounts = await s.view('v', 'base', { labels: { a: '1' } });
      const info = await s.stat('v');
      assert.equal(info.kind, 'view');
      assert.equal(info.parent, 'base');
      assert.deepEqual(pairs(info.labels), [['a', '1']]);
      assert.deepEqual(await s.mounts('v'), mounts);
    },
  },
  ...(['prepare', 'view'] as const).flatMap((method): Case[] => [
    {
      id: `${method}/of-a-taken-key-is-already-exists`,
      async run({ snapshotter: s }) {
        await commitLayer(s, 'base');
        await s.prepare('active', 'base');
        await s.view('view', 'base');
        for (const key of ['base', 'active', 'view']) {
          await refused('already_exists', s[method](key, 'base'));
          await refused('already_exists', s[method](key, ''));
        }
        assert.equal((await s.stat('active')).kind, 'active');
        assert.equal((await s.stat('view')).kind, 'view');
      },
    },
    {
      id: `${method}/on-a-missing-parent-makes-nothing`,
      async run({ snapshotter: s }) {
        await refused(['not_found', 'invalid_argument'], s[method]('k', 'nobody'));
        assert.deepEqual(await names(s), []);
        await s.prepare('k', '');
      },
    },
    {
      id: `${method}/on-a-parent-that-is-not-committed-makes-nothing`,
      async run({ snapshotter: s }) {
        await s.prepare('active', '');
        await s.view('view', '');
        await refused(['not_found', 'invalid_argument'], s[method]('k', 'active'));
        await refused(['not_found', 'invalid_argument'], s[method]('k', 'view'));
        assert.deepEqual(await names(s), ['active', 'view']);
      },
    },
    {
      id: `${method}/of-one-key-at-once-succeeds-once`,
      async run({ snapshotter: s }) {
        const all = await Promise.allSettled(Array.from({ length: 20 }, () => s[method]('k', '')));
        assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
        for (const one of all) {
          if (one.status === 'rejected') await refused('already_exists', Promise.reject(one.reason));
        }
        assert.deepEqual(await names(s), ['k']);
      },
    },
  ]),
  {
    id: 'mounts/of-a-committed-snapshot-is-failed-precondition',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await refused('failed_precondition', s.mounts('base'));
    },
  },
  {
    id: 'mounts/of-a-missing-key-is-not-found',
    async run({ snapshotter: s }) {
      await refused('not_found', s.mounts('nobody'));
    },
  },
];
