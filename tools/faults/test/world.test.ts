import { expect, test } from '@jest/globals';
import { keyOf } from '../src/model/keys.ts';
import type { Thing } from '../src/model/thing.ts';
import { World } from '../src/model/world.ts';

const made: Thing = {
  ...{ kind: 'snapshot', namespace: 'n', snapshotter: 's', name: 'k', state: 'active', parent: '' },
  labels: {},
  seed: 'k',
};
const { seed: _, ...told } = made;
const key = keyOf(made);
const effects = [{ key, thing: made }];

function begun(): World {
  const world = new World();
  world.apply({ t: 'begin', at: 0, n: 0, client: 3, operation: 'o', effects, maybe: [] });
  return world;
}

test('an operation counts from its acknowledgement on, and freezes its keys until then', () => {
  const world = begun();
  expect(world.get(key)).toBeUndefined();
  expect(world.frozen()).toEqual(new Set([key]));
  world.apply({ t: 'ack', n: 0, at: 0 });
  expect(world.get(key)).toEqual(made);
  expect(world.frozen().size).toBe(0);
});

test('a failed operation stays open until somebody looked', () => {
  const world = begun();
  world.apply({ t: 'fail', n: 0, kind: 'unavailable', message: 'm' });
  expect(world.open()).toHaveLength(1);
  world.settle(new Map([[key, told as Thing]]));
  expect(world.open()).toEqual([]);
  expect(world.get(key)).toEqual(made);
  expect(world.dump().owned).toEqual([[key, 3, made]]);
});

test('what lacks files is not taken for filled', () => {
  const world = begun();
  world.settle(new Map([[key, told as Thing]]), new Set([key]));
  expect(world.get(key)).toEqual(told);
});

test('what was not found is gone', () => {
  const world = begun();
  world.apply({ t: 'ack', n: 0, at: 0 });
  world.settle(new Map());
  expect(world.get(key)).toBeUndefined();
});

test('goes to another process with its open operations', () => {
  const world = World.from(begun().dump());
  expect(world.frozen()).toEqual(new Set([key]));
  world.apply({ t: 'ack', n: 0, at: 0 });
  expect(World.from(world.dump()).get(key)).toEqual(made);
});

test('an acknowledgement of nothing is no journal', () => {
  expect(() => new World().apply({ t: 'ack', n: 7, at: 0 })).toThrow('operation 7');
});
