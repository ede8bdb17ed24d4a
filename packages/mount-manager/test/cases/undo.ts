import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Mounter } from '@stowage/linux/mounter';
import { type Case, loopOf, pair, refused } from './case.ts';

export const undoCases: readonly Case[] = [
  {
    id: 'all-or-nothing',
    async run({ mounts, at }) {
      const image = await at.image('disk');
      const bad = { type: 'no-such-filesystem', source: 'x', options: [] };
      await refused('invalid_argument', () =>
        mounts().activate('half', [...pair, loopOf(image), bad, ...pair]),
      );
      await refused('invalid_argument', () =>
        mounts().activate('half', [
          ...pair,
          loopOf(image),
          { ...bad, type: 'format/x', source: '{{ mount 9 }}' },
        ]),
      );
      assert.deepEqual([...(await at.mounted()), ...(await at.stillAttached())], []);
      await refused('not_found', () => mounts().info('half'));
      await mounts().activate('half', pair);
      await mounts().deactivate('half');
    },
  },
  {
    id: 'while-somebody-is-in-there-it-stays',
    async run({ mounts, at }) {
      const { active } = await mounts().activate('pair', pair);
      {
        await using _file = await open(join(active[0]?.mountPoint ?? '', 'file'), 'w');
        await refused('failed_precondition', () => mounts().deactivate('pair'));
        assert.equal((await at.mounted()).length, 1);
        assert.equal((await mounts().info('pair')).name, 'pair');
      }
      await mounts().deactivate('pair');
      assert.deepEqual(await at.mounted(), []);
    },
  },
  {
    id: 'what-somebody-else-undid-is-no-obstacle',
    async run({ mounts, at }) {
      const { active } = await mounts().activate('pair', pair);
      await using mounter = new Mounter();
      await mounter.unmount(active[0]?.mountPoint ?? '');
      await mounts().deactivate('pair');
      assert.deepEqual(await at.mounted(), []);
    },
  },
  {
    id: 'mounts-that-a-reboot-took-are-forgotten',
    async run({ mounts, at, reopen }) {
      const image = await at.image('disk');
      const { active } = await mounts().activate('pair', [loopOf(image), ...pair]);
      await mounts().activate('kept', pair);
      await using mounter = new Mounter();
      await mounter.unmount(active[1]?.mountPoint ?? '');
      await reopen();
      assert.deepEqual(await Array.fromAsync(mounts().list(), ({ name }) => name), ['kept']);
      assert.deepEqual(await at.stillAttached(), []);
      await mounts().activate('pair', pair);
      for (const name of ['pair', 'kept']) await mounts().deactivate(name);
    },
  },
  {
    id: 'a-call-that-is-given-up-leaves-nothing',
    async run({ mounts, at }) {
      const image = await at.image('disk');
      const reason = new Error('enough');
      const stop = new AbortController();
      const many = Array.from({ length: 50 }, () => loopOf(image, 'ro'));
      const call = mounts().activate('many', many, { signal: stop.signal });
      setTimeout(() => stop.abort(reason), 5);
      await assert.rejects(call, (e) => e === reason);
      // A server may still be at it.
      assert.deepEqual(await at.stillAttached(), []);
      await refused('not_found', () => mounts().info('many'));
    },
  },
];
