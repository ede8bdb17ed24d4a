import assert from 'node:assert/strict';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case } from '../subject.ts';
import { changeLayer, commitLayer, plainUsage, refused } from '../support.ts';

export const usageCases: readonly Case[] = [
  {
    id: 'usage/of-every-kind-is-never-negative',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('active', 'base');
      await s.view('view', 'base');
      for (const key of ['base', 'active', 'view']) {
        const { sizeBytes, inodes } = await s.usage(key);
        assert.equal(typeof sizeBytes, 'bigint');
        assert.ok(sizeBytes >= 0n && inodes >= 0n);
      }
    },
  },
  {
    id: 'usage/of-a-missing-key-is-not-found',
    async run({ snapshotter: s }) {
      await refused('not_found', s.usage('nobody'));
    },
  },
  {
    id: 'usage/grows-with-the-files-of-an-active-snapshot',
    needs: ['mounts'],
    async run({ snapshotter: s, mount }) {
      const mounts = await s.prepare('k', '');
      const before = await s.usage('k');
      await mount(mounts, async (path) => {
        await mkdir(join(path, 'd'));
        await writeFile(join(path, 'd', 'file'), Buffer.alloc(100_000, 'x'));
        // One more name is no more disk.
        await link(join(path, 'd', 'file'), join(path, 'again'));
      });
      const after = await s.usage('k');
      assert.equal(after.inodes - before.inodes, 2n);
      const grown = after.sizeBytes - before.sizeBytes;
      assert.ok(grown >= 100_000n && grown < 150_000n, `100,000 bytes were written, usage grew by ${grown}`);
    },
  },
  {
    id: 'usage/of-a-committed-snapshot-is-what-it-was-at-commit',
    needs: ['mounts'],
    async run({ snapshotter: s, mount }) {
      await mount(await s.prepare('k', ''), (path) => writeFile(join(path, 'f'), Buffer.alloc(50_000)));
      const active = plainUsage(await s.usage('k'));
      await s.commit('base', 'k');
      assert.deepEqual(plainUsage(await s.usage('base')), active);
    },
  },
  {
    id: 'usage/does-not-count-the-parent',
    needs: ['mounts', 'own-usage'],
    async run(context) {
      const { snapshotter: s } = context;
      await changeLayer(context, 'base', '', (path) => writeFile(join(path, 'f'), Buffer.alloc(100_000)));
      await changeLayer(context, 'top', 'base', (path) => writeFile(join(path, 'g'), 'x'));
      await s.prepare('k', 'base');
      assert.ok((await s.usage('top')).sizeBytes < 100_000n);
      assert.ok((await s.usage('k')).sizeBytes < 100_000n);
    },
  },
];
