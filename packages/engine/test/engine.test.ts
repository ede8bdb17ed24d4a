import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Version, VersionResponseSchema } from '@stowage/api/version/v1';
import { all, noConfig, optional, type Plugin, plugin, pluginListSlot, Skip, type Slot } from '@stowage/core';
import { Engine } from '@stowage/engine';
import { grpcSlot, rpcClient, serviceRoutes } from '@stowage/rpc';

const stringSlot: Slot<string> = { type: 'test.string.v1', api: 1 };
const numberSlot: Slot<number> = { type: 'test.number.v1', api: 1 };
const one = (id: string, value = id) => plugin({ slot: stringSlot, id, start: () => value });

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-engine-'));
});
afterEach(() => rm(dir, { recursive: true }));
const open = (plugins: readonly Plugin[], more: object = {}) =>
  Engine.open({ root: join(dir, 'root'), state: join(dir, 'state'), plugins, ...more });

test('a plugin starts after what it needs and is disposed before it', async () => {
  const story: string[] = [];
  const teller = (name: string) => {
    story.push(`start ${name}`);
    return { name, [Symbol.asyncDispose]: async () => void story.push(`stop ${name}`) };
  };
  const baseSlot: Slot<{ name: string }> = { type: 'test.base.v1', api: 1 };
  const base = plugin({ slot: baseSlot, id: 'base', start: () => teller('base') });
  const top = plugin({
    slot: stringSlot,
    id: 'top',
    needs: { base: baseSlot },
    start: ({ needs }) => teller(`top of ${needs.base.name}`) as never,
  });
  {
    await using engine = await open([top, base]);
    expect(engine.plugins().map((p) => `${p.id} ${p.state}`)).toEqual(['base ok', 'top ok']);
  }
  expect(story).toEqual(['start base', 'start top of base', 'stop top of base', 'stop base']);
});

test('all gives every filler by id, optional gives undefined where there is none', async () => {
  const sum = plugin({
    slot: numberSlot,
    id: 'sum',
    needs: { strings: all(stringSlot), other: optional({ type: 'test.absent.v1', api: 1 } as Slot<string>) },
    start: ({ needs }) => {
      expect(needs.other).toBeUndefined();
      expect([...needs.strings]).toEqual([
        ['a', 'a'],
        ['b', 'b'],
      ]);
      return needs.strings.size;
    },
  });
  await using engine = await open([sum, one('a'), one('b')]);
  expect([...engine.values(numberSlot)]).toEqual([['sum', 2]]);
});

const needsString = plugin({ slot: numberSlot, id: 'n', needs: { s: stringSlot }, start: () => 1 });

test.each([
  ['a missing need', [needsString], /test\.number\.v1\.n needs test\.string\.v1, which no plugin offers/],
  [
    'an ambiguous need',
    [needsString, one('a'), one('b')],
    /needs one test\.string\.v1, there are: .*\.a, .*\.b/,
  ],
  [
    'another version',
    [needsString, plugin({ slot: { ...stringSlot, api: 2 }, id: 'a', start: () => 'a' })],
    /needs version 1 .* offers version 2/,
  ],
  ['two of one name', [one('a'), one('a')], /listed twice/],
  [
    'a circle',
    [
      plugin({ slot: stringSlot, id: 's', needs: { n: numberSlot }, start: () => 's' }),
      plugin({ slot: numberSlot, id: 'n', needs: { s: stringSlot }, start: () => 1 }),
    ],
    /circle: .*test\.string\.v1\.s needs test\.number\.v1\.n needs test\.string\.v1\.s/,
  ],
])('%s fails before anything starts, naming both ends', async (_, plugins, message) => {
  let started = false;
  const witness = plugin({
    slot: { type: 'test.witness.v1', api: 1 },
    id: 'w',
    start: () => {
      started = true;
    },
  });
  await expect(open([witness, ...plugins])).rejects.toMatchObject({
    message: expect.stringMatching(message),
  });
  expect(started).toBe(false);
});

test('a plugin that fails takes with it those that need it, and no others', async () => {
  const broken = plugin({
    slot: stringSlot,
    id: 'broken',
    start: () => Promise.reject(new Error('no luck')),
  });
  await using engine = await open([
    broken,
    needsString,
    plugin({ slot: grpcSlot, id: 'fine', start: () => () => undefined }),
  ]);
  const states = Object.fromEntries(
    engine.plugins().map((p) => [p.id, `${p.state} ${p.error?.message ?? ''}`.trim()]),
  );
  expect(states).toEqual({
    broken: 'failed no luck',
    n: 'failed needs test.string.v1.broken (no luck), which did not start',
    fine: 'ok',
  });
});

test('"not here" is skipped, with those that need it', async () => {
  const absent = plugin({
    slot: stringSlot,
    id: 'absent',
    start: () => {
      throw new Skip('needs Plan 9');
    },
  });
  await using engine = await open([absent, needsString]);
  expect(engine.plugins().map((p) => p.state)).toEqual(['skipped', 'skipped']);
});

test('a required plugin that does not start stops the start, and what came up is stopped', async () => {
  const stopped: string[] = [];
  const up = plugin({
    slot: stringSlot,
    id: 'up',
    start: () => ({ [Symbol.dispose]: () => stopped.push('up') }) as never,
  });
  const broken = plugin({
    slot: numberSlot,
    id: 'broken',
    start: () => Promise.reject(new Error('no luck')),
  });
  await expect(open([up, broken], { required: ['test.number.v1.broken'] })).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(/test\.number\.v1\.broken did not start: no luck/),
  });
  expect(stopped).toEqual(['up']);
});

test('settings are parsed before anything starts; a bad one names plugin and key', async () => {
  const strict = plugin({ slot: stringSlot, id: 'strict', config: noConfig, start: () => 'x' });
  const config = { 'test.string.v1.strict': { colour: 'blue' } };
  await expect(open([strict], { config })).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(/\[plugins\.'test\.string\.v1\.strict'\] .*colour/),
  });
});

test('a disabled plugin is left out', async () => {
  await using engine = await open([one('a'), one('b')], {
    disabled: ['test.string.v1.a', 'somebody.elses.v1.x'],
  });
  expect(engine.plugins().map((p) => p.id)).toEqual(['b']);
});

test('the plugin list tells how everybody came up, as of the call', async () => {
  const viewer = plugin({
    slot: { type: 'test.viewer.v1', api: 1 } as Slot<() => number>,
    id: 'v',
    needs: { list: pluginListSlot },
    start:
      ({ needs }) =>
      () =>
        needs.list().length,
  });
  await using engine = await open([viewer, one('a')]);
  const [view] = engine.values({ type: 'test.viewer.v1', api: 1 } as Slot<() => number>).values();
  expect(view?.()).toBe(2);
});

test('services answer over the in-memory transport', async () => {
  const version = plugin({
    slot: grpcSlot,
    id: 'version',
    start: () => serviceRoutes(Version, { version: () => create(VersionResponseSchema, { version: '1' }) }),
  });
  await using engine = await open([version]);
  expect(await rpcClient(Version, engine.transport).version({})).toMatchObject({ version: '1' });
});

test('what a plugin finds it can do here stands in the list beside what it can do everywhere', async () => {
  const able = plugin({
    slot: stringSlot,
    id: 'able',
    capabilities: ['everywhere'],
    start({ capabilities }) {
      capabilities.add('here');
      return 'able';
    },
  });
  await using engine = await open([able, one('plain')]);
  expect(engine.plugins().map(({ capabilities }) => capabilities)).toEqual([['everywhere', 'here'], []]);
});
