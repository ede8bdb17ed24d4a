import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { hostPlatform, silentLogger } from '@stowage/core';
import { AddedFile } from '../src/added/added-file.ts';
import { addedSetting, TYPE } from './added-setting.ts';

const at = addedSetting();
const { daemon, plugin, serve, socket } = at;

test('one that is added is used and listed at once, and by the next daemon', async () => {
  await using _serving = await serve('mine');
  const more = { platform: 'linux/arm64', capabilities: ['rebase'], exports: { root: '/far' } };
  {
    await using d = await daemon();
    await d.plugins.add(plugin('mine', { ...more, type: TYPE, address: `unix://${socket()}` }));
    await d.snapshotter('mine').prepare('k', '');
    expect((await Array.fromAsync(at.far.list())).map(({ name }) => name)).toEqual([
      expect.stringMatching(/^blue\/\d+\/k$/),
    ]);
    expect(d.status('mine')).toMatchObject({
      state: 'ok',
      capabilities: ['rebase'],
      platforms: [{ os: 'linux', architecture: 'arm64' }],
    });
    expect(Object.fromEntries(d.status('mine')?.exports ?? [])).toEqual({ root: '/far', address: socket() });
  }
  await using again = await daemon();
  expect(await Array.fromAsync(again.plugins.list())).toEqual([
    { ...plugin('mine', more), origin: 'added', problem: undefined },
  ]);
  expect(again.status('mine')).toMatchObject({ state: 'ok', capabilities: ['rebase'] });
  expect((await again.snapshotter('mine').stat('k')).kind).toBe('active');
});

test('one that is removed is gone at once and for the next daemon; before, it deletes what nobody needs', async () => {
  await using _serving = await serve();
  {
    await using d = await daemon();
    await d.plugins.add(plugin('mine'));
    await d.snapshotter('mine').prepare('k', '');
    await d.snapshotter('mine').remove('k');
    await d.plugins.remove('mine');
    expect(await Array.fromAsync(at.far.list())).toEqual([]);
    await expect(d.snapshotter('mine').stat('k')).rejects.toMatchObject({ kind: 'invalid_argument' });
    expect(d.status('mine')).toBeUndefined();
    await expect(d.plugins.remove('mine')).rejects.toMatchObject({ kind: 'not_found' });
  }
  await using again = await daemon();
  expect(await Array.fromAsync(again.plugins.list())).toEqual([]);
  expect(again.status('mine')).toBeUndefined();
});

test('one that is in use is not removed, and goes on', async () => {
  await using _serving = await serve();
  await using d = await daemon();
  await d.plugins.add(plugin('mine'));
  expect(d.status('mine')?.platforms).toEqual([hostPlatform()]);
  const labels = { 'containerd.io/gc.root': 'now' };
  await d.snapshotter('mine').prepare('k', '', { labels });
  await expect(d.plugins.remove('mine')).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: 'remove plugin "mine": snapshotter "mine" is in use: 1 snapshot in namespace blue',
  });
  expect((await d.snapshotter('mine').stat('k')).kind).toBe('active');
  expect((await AddedFile.read(join(at.dir, 'added.json'), silentLogger)).configs.has('mine')).toBe(true);
});

test('its process may go and come back; while it is away it can be removed too', async () => {
  await using d = await daemon();
  {
    await using _serving = await serve();
    await d.plugins.add(plugin('mine'));
  }
  await expect(d.snapshotter('mine').prepare('k', '')).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(socket()),
  });
  {
    await using _serving = await serve();
    await d.snapshotter('mine').prepare('k', '');
  }
  await d.snapshotter('mine').remove('k');
  await d.plugins.remove('mine');
  expect(await Array.fromAsync(d.plugins.list())).toEqual([]);
});

test('one that the config has since, under the same name, wins, and the other can be removed', async () => {
  await using _serving = await serve();
  {
    await using d = await daemon();
    await d.plugins.add(plugin('mine'));
  }
  await using d = await daemon({ proxy_plugins: { mine: { type: 'snapshot', address: socket() } } });
  const listed = await Array.fromAsync(d.plugins.list());
  expect(listed.map(({ origin, problem }) => [origin, problem])).toEqual([
    ['config', undefined],
    ['added', '/etc/c.toml has [proxy_plugins.mine]'],
  ]);
  await d.snapshotter('mine').prepare('k', '');
  await d.plugins.remove('mine');
  expect((await d.snapshotter('mine').stat('k')).kind).toBe('active');
  expect((await Array.fromAsync(d.plugins.list())).map(({ origin }) => origin)).toEqual(['config']);
});
