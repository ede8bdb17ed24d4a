import assert from 'node:assert/strict';
import { type Case, pair, refused } from './case.ts';

export const recordCases: readonly Case[] = [
  {
    id: 'what-the-kernel-can-make-is-left-to-the-caller',
    async run({ mounts, at }) {
      const plain = { type: 'tmpfs', source: 'tmpfs', options: [] };
      for (const wanted of [[], [plain], [plain, { type: 'bind', source: '/', options: ['rbind'] }]])
        await refused('unimplemented', () => mounts().activate('plain', wanted));
      assert.deepEqual(await Array.fromAsync(mounts().list()), []);
      assert.deepEqual(await at.mounted(), []);
    },
  },
  {
    id: 'what-is-before-a-formatted-mount-is-made',
    async run({ mounts, at }) {
      const { name, active, system, labels } = await mounts().activate('pair', pair, {
        labels: { a: 'b', c: '' },
      });
      const [point = ''] = await at.mounted();
      assert.equal(name, 'pair');
      assert.equal(active.length, 1);
      assert.equal(active[0]?.mountPoint, point);
      assert.equal(active[0]?.type, 'tmpfs');
      assert.deepEqual(active[0]?.options, ['size=1m']);
      assert.ok(Math.abs(Date.now() - (active[0]?.mountedAt.getTime() ?? 0)) < 600_000);
      assert.deepEqual(
        system.map(({ type, source, options }) => ({ type, source, options })),
        [{ type: 'bind', source: point, options: ['rbind'] }],
      );
      assert.deepEqual({ ...labels }, { a: 'b' });
      await mounts().deactivate('pair');
    },
  },
  {
    id: 'a-temporary-activation-leaves-one-bind',
    async run({ mounts, at }) {
      const plain = { type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] };
      const { active, system } = await mounts().activate('all', [plain], { temporary: true });
      assert.deepEqual(
        active.map(({ mountPoint }) => mountPoint),
        await at.mounted(),
      );
      assert.deepEqual(
        system.map(({ type, source, options }) => [type, source, ...options]),
        [['bind', active[0]?.mountPoint, 'rbind']],
      );
      await mounts().deactivate('all');
    },
  },
  {
    id: 'it-is-found-again-as-it-was',
    async run({ mounts, reopen }) {
      const made = await mounts().activate('pair', pair, { labels: { a: 'b' } });
      assert.deepEqual(await mounts().info('pair'), made);
      await reopen();
      assert.deepEqual(await mounts().info('pair'), made);
      assert.deepEqual(await Array.fromAsync(mounts().list()), [made]);
      await mounts().deactivate('pair');
    },
  },
  {
    id: 'a-name-is-taken-once',
    async run({ mounts, at }) {
      await mounts().activate('pair', pair);
      await refused('already_exists', () => mounts().activate('pair', pair));
      assert.equal((await at.mounted()).length, 1);
      await mounts().deactivate('pair');
      await mounts().activate('pair', pair);
      await mounts().deactivate('pair');
    },
  },
  {
    id: 'of-two-at-once-one-gets-the-name',
    async run({ mounts, at }) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 4 }, () => mounts().activate('pair', pair)),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await at.mounted()).length, 1);
      await mounts().deactivate('pair');
    },
  },
  {
    id: 'a-name-is-any-text-and-no-path',
    async run({ mounts, at }) {
      const names = [
        '../../up',
        '/abs/olute',
        '.',
        'a\nb',
        'ü😀',
        `${'x'.repeat(99)}😀`,
        '__proto__',
        'x'.repeat(4096),
        '%2e%2e',
      ];
      for (const name of names) await mounts().activate(name, pair);
      const found = await Array.fromAsync(mounts().list(), ({ name }) => name);
      assert.deepEqual(found.sort(), [...names].sort());
      assert.equal((await at.mounted()).length, names.length);
      for (const name of names) await mounts().deactivate(name);
      for (const bad of ['', 'x'.repeat(4097)])
        await refused('invalid_argument', () => mounts().activate(bad, pair));
    },
  },
  {
    id: 'labels-change-by-a-mask-and-nothing-else-does',
    async run({ mounts, reopen }) {
      const made = await mounts().activate('pair', pair, { labels: { a: '1', 'b.c/d': '2' } });
      const one = await mounts().update('pair', { 'b.c/d': '3', a: 'not this' }, ['labels.b.c/d']);
      assert.deepEqual({ ...one.labels }, { a: '1', 'b.c/d': '3' });
      assert.deepEqual(one.active, made.active);
      const all = await mounts().update('pair', { x: 'y' });
      assert.deepEqual({ ...all.labels }, { x: 'y' });
      for (const path of ['name', 'active', 'system', 'Labels'])
        await refused('invalid_argument', () => mounts().update('pair', {}, [path]));
      await reopen();
      assert.deepEqual(await mounts().info('pair'), all);
      await mounts().deactivate('pair');
    },
  },
  {
    id: 'filters-see-names-and-labels',
    async run({ mounts }) {
      for (const [name, team] of [
        ['one', 'red'],
        ['two', 'blue'],
      ] as const)
        await mounts().activate(name, pair, { labels: { team } });
      const names = (...filters: string[]) => Array.fromAsync(mounts().list(filters), ({ name }) => name);
      assert.deepEqual(await names('name==two'), ['two']);
      assert.deepEqual(await names('labels.team==red'), ['one']);
      assert.deepEqual((await names('name==two', 'labels.team==red')).sort(), ['one', 'two']);
      assert.deepEqual(await names('mountpoint==x'), []);
      await refused('invalid_argument', () => names('name=='));
      for (const name of ['one', 'two']) await mounts().deactivate(name);
    },
  },
  {
    id: 'what-is-not-there-is-not-found',
    async run({ mounts }) {
      await refused('not_found', () => mounts().info('nothing'));
      await refused('not_found', () => mounts().deactivate('nothing'));
      await refused('not_found', () => mounts().update('nothing', {}));
      await mounts().activate('pair', pair);
      await mounts().deactivate('pair');
      await refused('not_found', () => mounts().deactivate('pair'));
      await refused('not_found', () => mounts().info('pair'));
    },
  },
];
