import assert from 'node:assert/strict';
import { Fault } from '@stowage/core';
import type { Case } from '../subject.ts';
import { commitLayer, names, refused } from '../support.ts';

export const removeCases: readonly Case[] = [
  {
    id: 'remove/takes-every-kind-and-frees-its-key',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('active', '');
      await s.view('view', '');
      for (const key of ['base', 'active', 'view']) {
        await s.remove(key);
        await refused('not_found', s.stat(key));
        await refused('not_found', s.mounts(key));
      }
      assert.deepEqual(await names(s), []);
      await s.prepare('base', '');
      await s.prepare('view', '');
    },
  },
  {
    id: 'remove/of-a-missing-key-is-not-found',
    async run({ snapshotter: s }) {
      await refused('not_found', s.remove('nobody'));
      await s.prepare('k', '');
      await s.remove('k');
      await refused('not_found', s.remove('k'));
    },
  },
  {
    id: 'remove/with-children-of-any-kind-is-failed-precondition',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      const children = {
        active: () => s.prepare('child', 'base'),
        view: () => s.view('child', 'base'),
        committed: () => commitLayer(s, 'child', 'base'),
      };
      for (const make of Object.values(children)) {
        await make();
        await refused('failed_precondition', s.remove('base'));
        assert.equal((await s.stat('base')).kind, 'committed');
        await s.remove('child');
      }
      await s.remove('base');
    },
  },
  {
    id: 'remove/counts-every-child',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('one', 'base');
      await s.view('two', 'base');
      await s.remove('one');
      await refused('failed_precondition', s.remove('base'));
      await s.remove('two');
      await s.remove('base');
    },
  },
  {
    id: 'remove/racing-with-a-new-child-leaves-no-child-without-a-parent',
    async run({ snapshotter: s }) {
      for (let round = 0; round < 5; round++) {
        await commitLayer(s, 'base');
        const [prepared, removed] = await Promise.allSettled([s.prepare('k', 'base'), s.remove('base')]);
        assert.notEqual(prepared.status, removed.status);
        for (const name of await names(s)) await s.remove(name).catch(() => {});
        for (const name of await names(s)) await s.remove(name);
      }
    },
  },
  {
    id: 'cleanup/changes-nothing-that-can-be-seen',
    async run({ snapshotter: s }) {
      await commitLayer(s, 'base');
      await s.prepare('k', 'base');
      const mounts = await s.mounts('k');
      await s.prepare('gone', 'base');
      await s.remove('gone');
      try {
        await s.cleanup();
      } catch (e) {
        if (!Fault.is(e, 'unimplemented')) throw e;
      }
      assert.deepEqual(await names(s), ['base', 'k']);
      assert.deepEqual(await s.mounts('k'), mounts);
    },
  },
];
