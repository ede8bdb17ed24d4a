import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  all,
  live,
  noConfig,
  optional,
  type Plugin,
  type PluginHost,
  plugin,
  pluginHostSlot,
  pluginListSlot,
  Skip,
  type Slot,
} from '@stowage/core';
import { Engine } from '@stowage/engine';
import { grpcSlot } from '@stowage/rpc';

const TYPE = 'test.string.v1';
const stringSlot: Slot<string> = { type: TYPE, api: 1 };
const one = (id: string) => plugin({ slot: stringSlot, id, config: noConfig, start: () => id });

type View = ReadonlyMap<string, string>;
const viewSlot: Slot<View> = { type: 'test.view.v1', api: 1 };
const viewer = plugin({
  slot: viewSlot,
  id: 'v',
  needs: { strings: live(stringSlot) },
  start: ({ needs }) => needs.strings,
});

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-engine-'));
});
afterEach(() => rm(dir, { recursive: true }));
const open = (plugins: readonly Plugin[], more: object = {}) =>
  Engine.open({ root: join(dir, 'root'), state: join(dir, 'state'), plugins, ...more });
const seen = (engine: Engine) => [...(engine.values(viewSlot).get('v')?.keys() ?? [])];
const listed = (engine: Engine) => engine.plugins().map(({ id, state }) => `${id} ${state}`);

test('one that is added is seen at once by those who take its kind at any time, after those of the start', async () => {
  await using engine = await open([viewer, one('b'), one('a')]);
  expect(seen(engine)).toEqual(['b', 'a']);
  expect(await engine.add(one('0'))).toMatchObject({ type: TYPE, id: '0', state: 'ok' });
  expect(seen(engine)).toEqual(['b', 'a', '0']);
  expect(listed(engine)).toEqual(['b ok', 'a ok', 'v ok', '0 ok']);
  expect(engine.values(stringSlot).get('0')).toBe('0');
});

test('one that is removed is disposed once nobody sees it; one of the start can go too', async () => {
  let view: View | undefined;
  const story: string[] = [];
  const noisy = (id: string) =>
    plugin({
      slot: stringSlot,
      id,
      start: () =>
        ({ [Symbol.dispose]: () => story.push(`${id} stops, seen: ${[...(view?.keys() ?? [])]}`) }) as never,
    });
  await using engine = await open([viewer, noisy('first')]);
  view = engine.values(viewSlot).get('v');
  await engine.add(noisy('late'));
  await engine.remove(TYPE, 'late');
  expect(story).toEqual(['late stops, seen: first']);
  await engine.remove(TYPE, 'first');
  expect(story[1]).toBe('first stops, seen: ');
  expect(listed(engine)).toEqual(['v ok']);
  await expect(engine.remove(TYPE, 'late')).rejects.toMatchObject({ kind: 'not_found' });
  await engine.add(noisy('late'));
  expect(seen(engine)).toEqual(['late']);
});

test('one that was added is disposed after those that have it', async () => {
  const story: string[] = [];
  const stops = (what: string) => ({ [Symbol.dispose]: () => void story.push(what) }) as never;
  const taker = plugin({
    slot: viewSlot,
    id: 'v',
    needs: { strings: live(stringSlot) },
    start: () => stops('taker'),
  });
  {
    await using engine = await open([taker]);
    await engine.add(plugin({ slot: stringSlot, id: 'late', start: () => stops('late') }));
  }
  expect(story).toEqual(['taker', 'late']);
});

test.each([
  ['exactly one', stringSlot],
  ['one if there is one', optional(stringSlot)],
  ['all that there are at its start', all(stringSlot)],
])('refused both ways while somebody takes %s of its kind, naming who', async (_, need) => {
  const needy = plugin({
    slot: { type: 'test.n.v1', api: 1 } as Slot<number>,
    id: 'n',
    needs: { need },
    start: () => 1,
  });
  await using engine = await open([viewer, needy, one('a')]);
  const refusal = {
    kind: 'failed_precondition',
    message: expect.stringMatching(/test\.n\.v1\.n takes test\.string\.v1 at its start only/),
  };
  await expect(engine.add(one('b'))).rejects.toMatchObject(refusal);
  await expect(engine.remove(TYPE, 'a')).rejects.toMatchObject(refusal);
  expect(seen(engine)).toEqual(['a']);
});

test('refused while somebody who would take it is not here', async () => {
  const skipped = plugin({
    slot: viewSlot,
    id: 'v',
    needs: { strings: live(stringSlot) },
    start: ({ needs }) => {
      if (needs.strings.size === 0) throw new Skip('there is no string');
      return needs.strings;
    },
  });
  await using engine = await open([skipped]);
  await expect(engine.add(one('a'))).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('test.view.v1.v did not start: there is no string'),
  });
});

test('not refused for somebody whom nobody asked for', async () => {
  const unwanted = plugin({
    slot: viewSlot,
    id: 'v',
    needs: { strings: live(stringSlot) },
    start: () => {
      throw new Skip('no address is configured', { unwanted: true });
    },
  });
  await using engine = await open([unwanted]);
  expect(await engine.add(one('a'))).toMatchObject({ state: 'ok' });
});

test('a name that is taken, needs, an RPC service, another version and a bad setting are refused', async () => {
  const config = { [`${TYPE}.set`]: { colour: 'blue' } };
  await using engine = await open([viewer, one('a')], { config });
  const needy = plugin({ slot: stringSlot, id: 'b', needs: { v: viewSlot }, start: () => 'b' });
  const service = plugin({ slot: grpcSlot, id: 'b', start: () => () => undefined });
  const newer = plugin({ slot: { ...stringSlot, api: 2 }, id: 'b', start: () => 'b' });
  await expect(engine.add(one('a'))).rejects.toMatchObject({ kind: 'already_exists' });
  await expect(engine.add(needy)).rejects.toMatchObject({ kind: 'invalid_argument' });
  await expect(engine.add(service)).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(engine.add(newer)).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringContaining('needs version 1 of test.string.v1, this one is of version 2'),
  });
  await expect(engine.add(one('set'))).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining('colour'),
  });
  expect(seen(engine)).toEqual(['a']);
});

test('nothing is left of one that does not start', async () => {
  await using engine = await open([viewer]);
  const broken = (id: string) =>
    plugin({ slot: stringSlot, id, start: () => Promise.reject(new Error('no luck')) });
  await expect(engine.add(broken('a'))).rejects.toThrow('no luck');
  expect(listed(engine)).toEqual(['v ok']);
  await engine.add(one('a'));
  expect(seen(engine)).toEqual(['a']);
});

test('two of one name that are added at the same time: one of them is', async () => {
  await using engine = await open([viewer]);
  const results = await Promise.allSettled([engine.add(one('a')), engine.add(one('a'))]);
  expect(results).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { kind: 'already_exists' } },
  ]);
});

test('a plugin can change the engine it is part of once that is up, and no more when it stops', async () => {
  const hostSlot: Slot<{ readonly host: PluginHost; readonly early: Promise<unknown> }> = {
    type: 'test.admin.v1',
    api: 1,
  };
  const admin = plugin({
    slot: hostSlot,
    id: 'admin',
    needs: { host: pluginHostSlot, list: pluginListSlot },
    start: async ({ needs: { host } }) => {
      const early = await host.add(one('early')).catch((e: unknown) => e);
      return { host, early: Promise.resolve(early) };
    },
  });
  let host: PluginHost | undefined;
  {
    await using engine = await open([viewer, admin]);
    const it = engine.values(hostSlot).get('admin');
    expect(await it?.early).toMatchObject({ kind: 'failed_precondition' });
    host = it?.host;
    await host?.add(one('late'));
    expect(seen(engine)).toEqual(['late']);
  }
  await expect(host?.add(one('too-late'))).rejects.toMatchObject({ kind: 'failed_precondition' });
});
