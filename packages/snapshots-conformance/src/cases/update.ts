import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { Case } from '../subject.ts';
import { commitLayer, pairs, refused } from '../support.ts';

export const updateCases: readonly Case[] = [
  {
    id: 'update/without-paths-replaces-all-labels',
    async run({ snapshotter: s }) {
      await s.prepare('k', '', { labels: { a: '1', b: '2' } });
      const info = await s.update('k', { b: '3', c: '4' });
      assert.deepEqual(pairs(info.labels), [
        ['b', '3'],
        ['c', '4'],
      ]);
      assert.deepEqual(pairs((await s.stat('k')).labels), pairs(info.labels));
      assert.deepEqual(pairs((await s.update('k', {})).labels), []);
    },
  },
  {
    id: 'update/of-labels-replaces-all-labels',
    async run({ snapshotter: s }) {
      await s.prepare('k', '', { labels: { a: '1' } });
      assert.deepEqual(pairs((await s.update('k', { b: '2' }, ['labels'])).labels), [['b', '2']]);
    },
  },
  {
    id: 'update/of-one-label-leaves-the-others',
    async run({ snapshotter: s }) {
      await s.prepare('k', '', { labels: { a: '1', b: '2' } });
      const info = await s.update('k', { a: '9', b: 'not asked for', c: '3' }, ['labels.a', 'labels.c']);
      assert.deepEqual(pairs(info.labels), [
        ['a', '9'],
        ['b', '2'],
        ['c', '3'],
      ]);
    },
  },
  {
    id: 'update/with-an-empty-value-deletes',
    async run({ snapshotter: s }) {
      await s.prepare('k', '', { labels: { a: '1', b: '2', c: '3' } });
      assert.deepEqual(pairs((await s.update('k', { a: '' }, ['labels.a'])).labels), [
        ['b', '2'],
        ['c', '3'],
      ]);
      assert.deepEqual(pairs((await s.update('k', {}, ['labels.b'])).labels), [['c', '3']]);
      assert.deepEqual(pairs((await s.update('k', { c: '', d: '4' })).labels), [['d', '4']]);
    },
  },
  {
    id: 'update/takes-label-keys-with-dots-slashes-and-capitals',
    async run({ snapshotter: s }) {
      const key = 'containerd.io/gc.ref.snapshot.fooBar/x';
      await s.prepare('k', '');
      assert.deepEqual(pairs((await s.update('k', { [key]: 'v' }, [`labels.${key}`])).labels), [[key, 'v']]);
    },
  },
  {
    id: 'update/of-anything-else-is-invalid-argument',
    async run({ snapshotter: s }) {
      await s.prepare('k', '', { labels: { a: '1' } });
      for (const path of ['parent', 'kind', 'name', 'created_at', 'label.a']) {
        await refused('invalid_argument', s.update('k', { a: '2' }, [path]));
        await refused('invalid_argument', s.update('k', { a: '2' }, ['labels.a', path]));
      }
      assert.deepEqual(pairs((await s.stat('k')).labels), [['a', '1']]);
    },
  },
  {
    id: 'update/of-a-missing-key-is-not-found',
    async run({ snapshotter: s }) {
      await refused('not_found', s.update('nobody', { a: '1' }));
    },
  },
  {
    id: 'update/changes-the-time-of-update-only',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await commitLayer(s, 'k', 'base');
      const before = await s.stat('k');
      await setTimeout(5);
      const after = await s.update('k', { a: '1' });
      assert.deepEqual(
        [after.name, after.parent, after.kind, after.createdAt.getTime()],
        [before.name, before.parent, before.kind, before.createdAt.getTime()],
      );
      assert.ok(after.updatedAt > before.updatedAt, 'the time of update must move on');
    },
  },
  {
    id: 'labels/named-like-properties-of-every-object-are-ordinary',
    async run({ snapshotter: s }) {
      const labels = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}') as Record<
        string,
        string
      >;
      await s.prepare('k', '', { labels });
      assert.deepEqual(pairs((await s.stat('k')).labels), pairs(labels));
      await s.update('k', { x: 'd' }, ['labels.x']);
      assert.deepEqual(pairs((await s.stat('k')).labels), [...pairs(labels), ['x', 'd']].sort());
      await s.update('k', {}, ['labels.__proto__']);
      assert.equal(pairs((await s.stat('k')).labels).length, 3);
    },
  },
  {
    // containerd core/metadata/boltutil WriteLabels
    id: 'labels/with-an-empty-value-are-not-there',
    async run({ snapshotter: s }) {
      await s.prepare('k', '', { labels: { a: '', b: '1' } });
      assert.deepEqual(pairs((await s.stat('k')).labels), [['b', '1']]);
      await s.commit('base', 'k', { labels: { c: '', d: '2' } });
      assert.deepEqual(pairs((await s.stat('base')).labels), [['d', '2']]);
    },
  },
  {
    id: 'labels/over-4096-bytes-are-invalid-argument',
    async run({ snapshotter: s }) {
      const fits = { key: 'x'.repeat(4093) };
      const exceeds = { key: 'é'.repeat(2047) };
      await refused('invalid_argument', s.prepare('k', '', { labels: exceeds }));
      await refused('not_found', s.stat('k'));
      await s.prepare('k', '', { labels: fits });
      await refused('invalid_argument', s.update('k', exceeds));
      await refused('invalid_argument', s.commit('name', 'k', { labels: exceeds }));
      assert.deepEqual(pairs((await s.stat('k')).labels), pairs(fits));
    },
  },
];
