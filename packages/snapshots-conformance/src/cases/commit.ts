import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { commitLayer, names, pairs, refused } from '../support.ts';

export const commitCases: readonly Case[] = [
  {
    id: 'commit/makes-a-committed-snapshot-and-frees-the-key',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('k', 'base');
      await s.commit('top', 'k');
      const info = await s.stat('top');
      assert.equal(info.name, 'top');
      assert.equal(info.kind, 'committed');
      assert.equal(info.parent, 'base');
      await refused('not_found', s.stat('k'));
      await refused('not_found', s.mounts('k'));
      await s.prepare('k', 'top');
    },
  },
  {
    // containerd core/snapshots/storage/bolt.go CommitActive
    id: 'commit/takes-the-labels-given-and-none-it-had',
    async run({ snapshotter: s }) {
      await s.prepare('k', '', { labels: { old: '1' } });
      await s.commit('base', 'k', { labels: { new: '2' } });
      assert.deepEqual(pairs((await s.stat('base')).labels), [['new', '2']]);
      await s.prepare('k', '', { labels: { old: '1' } });
      await s.commit('other', 'k');
      assert.deepEqual(pairs((await s.stat('other')).labels), []);
    },
  },
  {
    id: 'commit/under-a-taken-name-keeps-the-active-one',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('other', '');
      const mounts = await s.prepare('k', 'base');
      await refused('already_exists', s.commit('base', 'k'));
      await refused('already_exists', s.commit('other', 'k'));
      assert.equal((await s.stat('k')).kind, 'active');
      assert.deepEqual(await s.mounts('k'), mounts);
      await s.commit('top', 'k');
    },
  },
  {
    id: 'commit/of-a-missing-key-is-not-found',
    async run({ snapshotter: s }) {
      await refused('not_found', s.commit('name', 'nobody'));
      assert.deepEqual(await names(s), []);
    },
  },
  {
    id: 'commit/of-a-view-is-failed-precondition',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.view('v', 'base');
      await refused('failed_precondition', s.commit('name', 'v'));
      assert.deepEqual(await names(s), ['base', 'v']);
    },
  },
  {
    id: 'commit/of-a-committed-snapshot-is-failed-precondition',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await refused(['failed_precondition', 'not_found'], s.commit('name', 'base'));
      assert.deepEqual(await names(s), ['base']);
    },
  },
  {
    id: 'commit/at-once-under-one-name-succeeds-once',
    async run({ snapshotter: s }) {
      const keys = ['a', 'b', 'c', 'd', 'e'];
      for (const key of keys) await s.prepare(key, '');
      const all = await Promise.allSettled(keys.map((key) => s.commit('name', key)));
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await names(s)).length, keys.length);
      assert.deepEqual(await names(s, 'kind==committed'), ['name']);
    },
  },
  {
    id: 'commit/onto-another-parent',
    needs: ['rebase'],
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('k', '');
      await s.commit('top', 'k', { parent: 'base' });
      assert.equal((await s.stat('top')).parent, 'base');
      await refused('failed_precondition', s.remove('base'));
    },
  },
  {
    id: 'commit/onto-a-parent-that-is-not-committed-keeps-the-active-one',
    needs: ['rebase'],
    async run({ snapshotter: s }) {
      await s.prepare('active', '');
      await s.prepare('k', '');
      for (const parent of ['nobody', 'active']) {
        // containerd's storage says failed_precondition of one that is not committed.
        const kinds = ['not_found', 'invalid_argument', 'failed_precondition'] as const;
        await refused(kinds, s.commit('top', 'k', { parent }));
      }
      assert.deepEqual(await names(s), ['active', 'k']);
      assert.equal((await s.stat('k')).kind, 'active');
      await s.commit('top', 'k');
    },
  },
  {
    id: 'commit/onto-another-parent-is-refused-without-rebase',
    without: 'rebase',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('k', '');
      await refused('unimplemented', s.commit('top', 'k', { parent: 'base' }));
      assert.equal((await s.stat('k')).kind, 'active');
    },
  },
];
