import assert from 'node:assert/strict';
import type { Snapshotter } from '@stowage/snapshots';
import type { Case } from '../subject.ts';
import { commitLayer, names, plain, refused } from '../support.ts';

async function some(s: Snapshotter): Promise<void> {
  await commitLayer(s, 'base', '', { tier: 'low', 'a.b/c': 'dotted' });
  await commitLayer(s, 'top', 'base', { tier: 'high' });
  await s.prepare('active', 'top', { labels: { tier: 'high' } });
  await s.view('view', 'base');
}

async function finds(s: Snapshotter, filters: readonly string[], expected: readonly string[]): Promise<void> {
  assert.deepEqual(await names(s, ...filters), [...expected].sort(), `by ${filters.join(' or ')}`);
}

export const listCases: readonly Case[] = [
  {
    id: 'list/tells-what-stat-tells',
    async run({ snapshotter: s }) {
      await some(s);
      let count = 0;
      for await (const info of s.list()) {
        assert.deepEqual(plain(info), plain(await s.stat(info.name)));
        count++;
      }
      assert.equal(count, 4);
    },
  },
  {
    id: 'list/filters-by-kind-name-parent-and-labels',
    async run({ snapshotter: s }) {
      await some(s);
      await finds(s, ['kind==committed'], ['base', 'top']);
      await finds(s, ['kind==active'], ['active']);
      await finds(s, ['kind==view'], ['view']);
      await finds(s, ['name==top'], ['top']);
      await finds(s, ['name~=^(base|view)$'], ['base', 'view']);
      await finds(s, ['parent==base'], ['top', 'view']);
      await finds(s, ['parent==""'], ['base']);
      await finds(s, ['labels.tier==high'], ['active', 'top']);
      await finds(s, ['labels."a.b/c"==dotted'], ['base']);
      await finds(s, ['labels.tier'], ['active', 'base', 'top']);
    },
  },
  {
    id: 'list/joins-filters-by-or-and-selectors-by-and',
    async run({ snapshotter: s }) {
      await some(s);
      await finds(s, ['labels.tier==high,kind==active'], ['active']);
      await finds(s, ['name==base', 'kind==view'], ['base', 'view']);
      await finds(s, ['kind==committed,labels.tier!=low', 'name==view'], ['top', 'view']);
    },
  },
  {
    id: 'list/by-an-unknown-field-finds-nothing',
    async run({ snapshotter: s }) {
      await some(s);
      await finds(s, ['nonsense==1'], []);
      await finds(s, ['labels.nobody'], []);
    },
  },
  {
    id: 'list/by-a-malformed-filter-is-invalid-argument',
    async run({ snapshotter: s }) {
      await some(s);
      for (const filter of ['kind==', 'kind=active', '==x', 'labels."a']) {
        await refused('invalid_argument', names(s, filter));
      }
    },
  },
  {
    id: 'list/can-be-left-early-and-again',
    async run({ snapshotter: s }) {
      await some(s);
      for (let i = 0; i < 3; i++) for await (const _ of s.list()) break;
      assert.equal((await names(s)).length, 4);
    },
  },
  {
    id: 'list/goes-on-while-snapshots-come-and-go',
    async run({ snapshotter: s }) {
      for (let i = 0; i < 12; i++) await s.prepare(`stays ${i}`, '');
      const seen = new Set<string>();
      for await (const { name } of s.list()) {
        assert.ok(!seen.has(name), `${name} came twice`);
        seen.add(name);
        if (seen.size <= 3) await s.prepare(`new ${seen.size}`, '');
      }
      for (let i = 0; i < 12; i++) assert.ok(seen.has(`stays ${i}`), `stays ${i} was there all the time`);
    },
  },
  {
    // A page is 100 in containerd plugins/services/snapshots.
    id: 'list/longer-than-a-page-is-whole',
    async run({ snapshotter: s }) {
      const keys = Array.from({ length: 120 }, (_, i) => `k ${i}`);
      await Promise.all(keys.map((key) => s.prepare(key, '')));
      assert.deepEqual(await names(s), [...keys].sort());
    },
  },
];
