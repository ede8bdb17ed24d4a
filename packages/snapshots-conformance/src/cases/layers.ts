import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@stowage/core';
import type { Case } from '../subject.ts';
import { changeLayer, commitLayer, entries, failureOf, look } from '../support.ts';

const text = (...path: string[]) => readFile(join(...path), 'utf8');

export const layerCases: readonly Case[] = [
  {
    id: 'layers/start-as-an-empty-directory-of-mode-0755',
    needs: ['mounts'],
    async run({ snapshotter: s, mount }) {
      await mount(await s.prepare('k', ''), async (path) => {
        assert.deepEqual(await entries(path), []);
        assert.equal((await stat(path)).mode & 0o777, 0o755);
      });
    },
  },
  {
    id: 'layers/show-the-parents-files-and-their-own',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await writeFile(join(path, 'a'), 'base');
        await writeFile(join(path, 'b'), 'base');
      });
      await changeLayer(context, 'top', 'base', (path) => writeFile(join(path, 'b'), 'top'));
      await look(context, 'top', async (path) => {
        assert.equal(await text(path, 'a'), 'base');
        assert.equal(await text(path, 'b'), 'top');
      });
      await look(context, 'base', async (path) => {
        assert.equal(await text(path, 'b'), 'base');
      });
    },
  },
  {
    id: 'layers/hide-what-they-delete',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await writeFile(join(path, 'a'), 'x');
        await writeFile(join(path, 'b'), 'x');
      });
      await changeLayer(context, 'top', 'base', (path) => rm(join(path, 'a')));
      await look(context, 'top', async (path) => assert.deepEqual(await entries(path), ['b']));
      await look(context, 'base', async (path) => assert.deepEqual(await entries(path), ['a', 'b']));
    },
  },
  {
    id: 'layers/of-one-parent-do-not-see-each-other',
    needs: ['mounts'],
    async run(context) {
      const { snapshotter: s, mount } = context;
      await commitLayer(s, 'base');
      await mount(await s.prepare('one', 'base'), async (one) => {
        await mount(await s.prepare('two', 'base'), async (two) => {
          await writeFile(join(one, 'f'), 'one');
          assert.deepEqual(await entries(two), []);
        });
      });
      await look(context, 'base', async (path) => assert.deepEqual(await entries(path), []));
    },
  },
  {
    id: 'layers/keep-what-was-written-through-an-earlier-mount',
    needs: ['mounts'],
    async run({ snapshotter: s, mount }) {
      await commitLayer(s, 'base');
      await mount(await s.prepare('k', 'base'), (path) => writeFile(join(path, 'f'), 'x'));
      await mount(await s.mounts('k'), async (path) => assert.equal(await text(path, 'f'), 'x'));
    },
  },
  {
    id: 'layers/are-read-only-in-a-view',
    needs: ['mounts'],
    async run(context) {
      const { snapshotter: s, mount } = context;
      await changeLayer(context, 'base', '', (path) => writeFile(join(path, 'f'), 'x'));
      await changeLayer(context, 'top', 'base', (path) => writeFile(join(path, 'g'), 'x'));
      await s.view('empty', '');
      await s.view('one', 'base');
      await s.view('two', 'top');
      for (const key of ['empty', 'one', 'two']) {
        await mount(await s.mounts(key), async (path) => {
          assert.equal(errnoOf(await failureOf(writeFile(join(path, 'new'), ''))), 'EROFS', key);
        });
      }
    },
  },
  {
    id: 'layers/can-be-128-deep',
    needs: ['mounts'],
    async run(context) {
      const { snapshotter: s, mount } = context;
      await changeLayer(context, 'layer 0', '', (path) => writeFile(join(path, 'f'), 'deep'));
      for (let i = 1; i < 128; i++) await commitLayer(s, `layer ${i}`, `layer ${i - 1}`);
      await mount(await s.prepare('k', 'layer 127'), async (path) => {
        assert.equal(await text(path, 'f'), 'deep');
        await writeFile(join(path, 'g'), 'x');
      });
      await look(context, 'layer 127', async (path) => assert.deepEqual(await entries(path), ['f']));
    },
  },
  {
    id: 'layers/may-be-removed-while-mounted',
    needs: ['mounts'],
    async run({ snapshotter: s, mount }) {
      await commitLayer(s, 'base');
      await mount(await s.prepare('k', 'base'), async (path) => {
        await writeFile(join(path, 'f'), 'x');
        await s.remove('k');
      });
      await s.prepare('k', 'base');
      await mount(await s.mounts('k'), async (path) => assert.deepEqual(await entries(path), []));
    },
  },
  {
    id: 'layers/committed-onto-another-parent-are-on-top-of-it',
    needs: ['mounts', 'rebase'],
    async run(context) {
      const { snapshotter: s, mount } = context;
      await changeLayer(context, 'base', '', async (path) => {
        await writeFile(join(path, 'a'), 'base');
        await writeFile(join(path, 'b'), 'base');
      });
      await mount(await s.prepare('k', ''), (path) => writeFile(join(path, 'b'), 'top'));
      await s.commit('top', 'k', { parent: 'base' });
      await look(context, 'top', async (path) => {
        assert.deepEqual(await entries(path), ['a', 'b']);
        assert.equal(await text(path, 'b'), 'top');
      });
      await mount(await s.prepare('k', 'top'), async (path) => {
        assert.deepEqual(await entries(path), ['a', 'b']);
      });
    },
  },
];
