import { describe, expect, test } from '@jest/globals';
import { LABEL } from '@stowage/core';
import { type Key, keyOf } from '../src/model/keys.ts';
import type { Ingest, Thing } from '../src/model/thing.ts';
import { type Effect, World } from '../src/model/world.ts';
import { type JudgeOptions, judge } from '../src/oracle/judge.ts';

const namespace = 'n';
const mark = (text: string) => ({ mark: text });
const lease: Thing = { kind: 'lease', namespace, id: 'l', labels: {} };
const edge: Thing = { kind: 'edge', namespace, lease: 'l', type: 'content', id: 'd' };
const blob: Thing = { kind: 'blob', namespace, digest: 'd', sizeBytes: 1, labels: {} };
const rooted: Thing = { ...blob, digest: 'r', labels: { [LABEL.gcRoot]: 'x' } };
const image: Thing = { kind: 'image', namespace, name: 'i', target: 'd', labels: mark('old') };
const ingest: Ingest = { kind: 'ingest', namespace, ref: 'p' };
const layer: Thing = {
  ...{ kind: 'snapshot', namespace, snapshotter: 's', name: 'base', state: 'committed', parent: '' },
  labels: { [LABEL.gcRoot]: 'x' },
};
const active: Thing = { ...layer, name: 'key', state: 'active' };
const container: Thing = {
  ...{ kind: 'container', namespace, id: 'c', snapshotter: 's', snapshot: 'key', spec: 'h', labels: {} },
};

const makes = (...things: readonly Thing[]): Effect[] =>
  things.map((thing) => ({ key: keyOf(thing), thing }));
const unmakes = (...things: readonly Thing[]): Effect[] =>
  things.map((thing) => ({ key: keyOf(thing), thing: null }));

interface Done {
  readonly acknowledged?: ReadonlyArray<readonly Effect[]>;
  readonly open?: readonly Effect[];
  readonly maybe?: readonly Effect[];
}

/** The rules that are broken if these were done and that is found. */
function rules(
  { acknowledged = [], open, maybe = [] }: Done,
  found: readonly Thing[],
  options?: JudgeOptions,
) {
  const world = new World();
  const begin = (n: number, effects: readonly Effect[], maybe: readonly Effect[]) =>
    world.apply({ t: 'begin', at: 0, n, client: 0, operation: 'o', effects, maybe });
  for (const [n, effects] of acknowledged.entries()) {
    begin(n, effects, []);
    world.apply({ t: 'ack', n, at: 0 });
  }
  if (open !== undefined) begin(1000, open, maybe);
  const things = new Map<Key, Thing>(found.map((thing) => [keyOf(thing), thing]));
  return judge(world, things, options)
    .map(({ rule }) => rule)
    .sort();
}

const leased = [makes(lease), makes(blob, edge)];

describe('what was acknowledged', () => {
  test('is there', () => {
    expect(rules({ acknowledged: [makes(rooted, lease)] }, [rooted, lease])).toEqual([]);
  });

  test('may not be missing', () => {
    expect(rules({ acknowledged: [makes(rooted, lease)] }, [rooted])).toEqual(['lost']);
  });

  test('may not be missing if something keeps it', () => {
    expect(rules({ acknowledged: leased }, [lease, edge])).toEqual(['lost']);
    expect(rules({ acknowledged: [...leased, makes(image)] }, [lease, edge, image])).toEqual([
      'dangling',
      'lost',
    ]);
  });

  test('is gone, not kept by anything: garbage', () => {
    const acknowledged = [...leased, unmakes(lease, edge)];
    expect(rules({ acknowledged }, [])).toEqual([]);
    expect(rules({ acknowledged }, [blob])).toEqual(['garbage']);
  });

  test('stays deleted', () => {
    expect(rules({ acknowledged: [makes(lease), unmakes(lease)] }, [lease])).toEqual(['returned']);
  });

  test('is as it was written last', () => {
    const relabelled: Thing = { ...rooted, labels: { ...rooted.labels, mark: 'new' } };
    const acknowledged = [makes(rooted), makes(relabelled)];
    expect(rules({ acknowledged }, [relabelled])).toEqual([]);
    expect(rules({ acknowledged }, [rooted])).toEqual(['torn']);
  });

  test('has what it refers to', () => {
    const acknowledged = [makes(layer), makes({ ...active, parent: 'base' }), makes(container)];
    expect(rules({ acknowledged }, [layer, { ...active, parent: 'base' }, container])).toEqual([]);
    expect(rules({ acknowledged }, [{ ...active, parent: 'base' }, container])).toEqual(['dangling', 'lost']);
    expect(rules({ acknowledged }, [layer, container])).toEqual(['dangling', 'lost']);
  });
});

describe('an operation that was not acknowledged', () => {
  test.each([
    ['did not happen', [lease]],
    ['happened', [lease, edge, blob]],
  ])('%s', (_, found) => {
    expect(rules({ acknowledged: [makes(lease)], open: makes(blob, edge) }, found)).toEqual([]);
  });

  test('happened by half', () => {
    const commit = { acknowledged: [makes(active)], open: [...makes(layer), ...unmakes(active)] };
    expect(rules(commit, [active])).toEqual([]);
    expect(rules(commit, [layer])).toEqual([]);
    expect(rules(commit, [layer, active])).toEqual(['half']);
    expect(rules(commit, [])).toEqual(['half']);
    expect(rules({ acknowledged: [makes(lease)], open: makes(blob, edge) }, [lease, edge])).toEqual(['half']);
  });

  test('changed something into what nobody asked for', () => {
    const open = makes({ ...image, labels: mark('new') });
    const before = [makes(rooted), makes({ ...image, target: 'r' })];
    const other: Thing = { ...image, target: 'r', labels: mark('neither') };
    expect(rules({ acknowledged: before, open }, [rooted, other])).toEqual(['torn']);
  });

  test('may leave its ingest, and may not lose one that it resumes for more than progress', () => {
    const open = [...makes(rooted), ...unmakes(ingest)];
    expect(rules({ open, maybe: makes(ingest) }, [ingest])).toEqual([]);
    expect(rules({ acknowledged: [makes(ingest)], open }, [])).toEqual([]);
  });
});

test('a blob that an ingest without bytes may expect is no garbage, nor is what it names', () => {
  const acknowledged = [...leased, unmakes(lease, edge)];
  const open = [...makes(rooted), ...unmakes(ingest)];
  expect(rules({ acknowledged, open, maybe: makes({ ...ingest, expects: 'd' }) }, [blob])).toEqual([]);
  expect(rules({ acknowledged, open, maybe: makes(ingest) }, [blob])).toEqual(['garbage']);
});

test('an ingest stays, unless power was cut', () => {
  expect(rules({ acknowledged: [makes(ingest)] }, [])).toEqual(['lost']);
  expect(rules({ acknowledged: [makes(ingest)] }, [], { unsynced: true })).toEqual([]);
  expect(rules({ acknowledged: [makes(rooted)] }, [], { unsynced: true })).toEqual(['lost']);
});

test('what nobody made is a stranger', () => {
  expect(rules({}, [lease])).toEqual(['stranger']);
});
