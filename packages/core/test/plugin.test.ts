import { describe, expect, test } from '@jest/globals';
import {
  type AllNeed,
  all,
  type LiveNeed,
  live,
  type Met,
  type Need,
  noConfig,
  type OptionalNeed,
  optional,
  type Plugin,
  type PluginStatus,
  plugin,
  pluginListSlot,
  Skip,
  type Slot,
  silentLogger,
} from '../src/index.ts';

/** Compiles only if `A` and `B` are the same type. Checked by types.test.ts. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_T extends true>() => {};

interface Store {
  get(key: string): Promise<string>;
}
interface Clock {
  now(): Date;
}

const storeSlot: Slot<Store> = { type: 'test.store.v1', api: 1 };
const clockSlot: Slot<Clock> = { type: 'test.clock.v1', id: 'system', api: 1 };

describe('Met', () => {
  test('gives a slot its filler, an optional one perhaps, all of them as a map', () => {
    same<Same<Met<Slot<Store>>, Store>>();
    same<Same<Met<OptionalNeed<Store>>, Store | undefined>>();
    same<Same<Met<AllNeed<Store>>, ReadonlyMap<string, Store>>>();
    same<Same<Met<LiveNeed<Store>>, ReadonlyMap<string, Store>>>();
    same<Same<Met<typeof pluginListSlot>, () => readonly PluginStatus[]>>();
    same<Same<Met<Slot<string | undefined>>, string | undefined>>();
    // @ts-expect-error a Store is no Clock
    same<Same<Met<Slot<Store>>, Clock>>();
    const needs: Need<unknown>[] = [storeSlot, optional(storeSlot), all(storeSlot), live(storeSlot)];
    expect(needs).toEqual([storeSlot, { optional: storeSlot }, { all: storeSlot }, { live: storeSlot }]);
  });

  test('slots of different types do not fit each other', () => {
    // @ts-expect-error the phantom property tells them apart
    const wrong: Slot<Store> = clockSlot;
    expect(wrong).toBe(clockSlot);
  });
});

describe('plugin', () => {
  const context = {
    root: '/r',
    state: '/s',
    exports: new Map<string, string>(),
    capabilities: new Set<string>(),
    log: silentLogger,
    signal: new AbortController().signal,
  };

  test('types what start is given by needs and config, and what it gives by the slot', async () => {
    const clock: Clock = { now: () => new Date(0) };
    const store: Store = { get: async (key) => key };
    const descriptor = plugin({
      slot: clockSlot,
      id: 'test',
      config: (table) => ({ zone: String(table.zone) }),
      needs: { main: storeSlot, spare: optional(storeSlot), all: all(storeSlot), plugins: pluginListSlot },
      start({ config, needs }) {
        same<Same<typeof config, { zone: string }>>();
        same<Same<typeof needs.main, Store>>();
        same<Same<typeof needs.spare, Store | undefined>>();
        same<Same<typeof needs.all, ReadonlyMap<string, Store>>>();
        same<Same<typeof needs.plugins, () => readonly PluginStatus[]>>();
        // @ts-expect-error nothing of that name is needed
        needs.other;
        expect(config.zone).toBe('UTC');
        expect([...needs.all.keys()]).toEqual(['a']);
        return clock;
      },
    });
    same<Same<typeof descriptor, Plugin>>();
    const needs = { main: store, spare: undefined, all: new Map([['a', store]]), plugins: () => [] };
    const started = await descriptor.start({
      ...context,
      needs,
      config: descriptor.config?.({ zone: 'UTC' }),
    });
    expect(started).toBe(clock);
  });

  test('rejects a filler that does not fit the slot', () => {
    plugin({
      slot: clockSlot,
      id: 'test',
      // @ts-expect-error a Store is no Clock
      start: () => ({ get: async (key: string) => key }),
    });
  });

  test('without needs there is nothing to take', () => {
    plugin({
      slot: clockSlot,
      id: 'test',
      start({ needs }) {
        // @ts-expect-error nothing is needed
        needs.main;
        return { now: () => new Date(0) };
      },
    });
  });

  test('descriptors of all kinds make one list', () => {
    const list: Plugin[] = [
      plugin({ slot: storeSlot, id: 'a', config: noConfig, start: () => ({ get: async () => '' }) }),
      plugin({ slot: clockSlot, id: 'b', start: async () => ({ now: () => new Date(0) }) }),
    ];
    expect(list.map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

test('Skip is told by its name, as it may come from another copy of this package', () => {
  expect(Skip.is(new Skip('needs Linux'))).toBe(true);
  expect(Skip.is({ name: 'Skip' })).toBe(true);
  expect(Skip.is(new Error('needs Linux'))).toBe(false);
  expect(Skip.is(undefined)).toBe(false);
});

test('noConfig takes an empty table only, and names the key', () => {
  expect(noConfig({})).toEqual({});
  expect(() => noConfig({ root_path: '/x' })).toThrow(
    expect.objectContaining({ kind: 'invalid_argument', message: expect.stringContaining('"root_path"') }),
  );
});
