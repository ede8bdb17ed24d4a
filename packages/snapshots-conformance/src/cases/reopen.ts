import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshotter } from '@stowage/snapshots';
import type { Case } from '../subject.ts';
import { commitLayer, look, names, pairs, plain, plainUsage, refused } from '../support.ts';

async function all(s: Snapshotter) {
  const infos = [];
  for await (const info of s.list())
    infos.push({ ...plain(info), usage: plainUsage(await s.usage(info.name)) });
  return infos.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const reopenCases: readonly Case[] = [
  {
    id: 'reopen/finds-everything-as-it-was',
    needs: ['reopen'],
    async run({ snapshotter: s, reopen }) {
      await commitLayer(s, 'base', '', { a: '1' });
      await commitLayer(s, 'top', 'base');
      await s.prepare('active', 'top', { labels: { b: '2' } });
      await s.view('view', 'base');
      await s.update('active', { c: '3' }, ['labels.c']);
      const before = await all(s);
      const mounts = [await s.mounts('active'), await s.mounts('view')];
      const again = await reopen();
      assert.deepEqual(await all(again), before);
      assert.deepEqual([await again.mounts('active'), await again.mounts('view')], mounts);
      await refused('failed_precondition', again.remove('base'));
    },
  },
  {
    id: 'reopen/does-not-bring-back-what-was-removed',
    needs: ['reopen'],
    async run({ snapshotter: s, reopen }) {
      await commitLayer(s, 'base');
      await s.prepare('k', 'base', { labels: { old: '1' } });
      await s.remove('k');
      let again = await reopen();
      assert.deepEqual(await names(again), ['base']);
      await again.prepare('k', 'base');
      again = await reopen();
      assert.deepEqual(pairs((await again.stat('k')).labels), []);
    },
  },
  {
    id: 'reopen/finds-the-files',
    needs: ['reopen', 'mounts'],
    async run(context) {
      const { snapshotter: s, mount, reopen } = context;
      await mount(await s.prepare('a', ''), (path) => writeFile(join(path, 'f'), 'committed'));
      await s.commit('base', 'a');
      await mount(await s.prepare('k', 'base'), (path) => writeFile(join(path, 'g'), 'active'));
      const again = await reopen();
      await mount(await again.mounts('k'), async (path) => {
        assert.equal(await readFile(join(path, 'f'), 'utf8'), 'committed');
        assert.equal(await readFile(join(path, 'g'), 'utf8'), 'active');
      });
      const seen = await look({ ...context, snapshotter: again }, 'base', (path) =>
        readFile(join(path, 'f'), 'utf8'),
      );
      assert.equal(seen, 'committed');
    },
  },
];
