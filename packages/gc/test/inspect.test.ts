import { expect, test } from '@jest/globals';
import { LABEL, type Labels } from '@stowage/core';
import { MAX_FOUND, MAX_ROOTS, type ObjectId, type ObjectKind, objectName } from '@stowage/gc';
import { type Fact, inspectorOver, type ObjectFact } from '@stowage/gc/inspect';
import { AT, sourceOf } from './arbitrary-facts.ts';

const REF = 'containerd.io/gc.ref';
const later = (ms: number) => new Date(AT.getTime() + ms);

function idOf(kind: ObjectKind, name: string, namespace = 'n'): ObjectId {
  return { ...objectName(kind, name, kind === 'snapshots' ? 's' : ''), namespace };
}

function object(
  kind: ObjectKind,
  name: string,
  labels: Labels = {},
  more: Partial<ObjectFact> = {},
): ObjectFact {
  const sizeBytes = kind === 'content' ? 100n : undefined;
  return { fact: 'object', id: idOf(kind, name), labels, sizeBytes, handle: name, ...more };
}

function image(name: string, target: string, expiry?: Date): ObjectFact {
  const names = { by: 'target', object: objectName('content', target), mediaType: 'index' } as const;
  return object('images', name, {}, { names, expiry });
}

const over = (facts: readonly Fact[], namespace = '') => inspectorOver(sourceOf(facts), { namespace });
const kept = async (facts: readonly Fact[], id: ObjectId) => {
  const told = await over(facts).explain(id);
  if (told.verdict !== 'kept') throw new Error(`it is ${told.verdict}`);
  return told;
};

test('the path names each reference: target, label, parent', async () => {
  const facts = [
    image('a', 'index'),
    object('content', 'index', { [`${REF}.content.m.0`]: 'manifest' }),
    object('content', 'manifest', { [`${REF}.content.config`]: 'config' }),
    object('content', 'config', { [`${REF}.snapshot.s`]: '2' }),
    object('snapshots', '2', {}, { names: { by: 'parent', object: objectName('snapshots', '1', 's') } }),
    object('snapshots', '1'),
  ];
  const told = await kept(facts, idOf('snapshots', '1'));
  expect(told.path.map(({ object, why }) => [object.name, why])).toEqual([
    ['a', { by: 'itself' }],
    ['index', { by: 'target', mediaType: 'index' }],
    ['manifest', { by: 'label', label: `${REF}.content.m.0` }],
    ['config', { by: 'label', label: `${REF}.content.config` }],
    ['2', { by: 'label', label: `${REF}.snapshot.s` }],
    ['1', { by: 'parent' }],
  ]);
  expect(told).toMatchObject({ rootCount: 1, until: undefined });
});

test('of several roots the one that lasts longest explains, and until tells when the last expires', async () => {
  const soon = image('soon', 'x', later(1000));
  const late = image('late', 'x', later(2000));
  const facts = [soon, late, object('content', 'x')];
  const told = await kept(facts, idOf('content', 'x'));
  expect(told.roots.map(({ object, until }) => [object.name, until])).toEqual([
    ['late', later(2000)],
    ['soon', later(1000)],
  ]);
  expect(told.until).toEqual(later(2000));
  const always = await kept([...facts, image('always', 'x')], idOf('content', 'x'));
  expect(always.until).toBeUndefined();
  expect(always.path[0]?.object.name).toBe('always');
});

test('of roots that last as long the nearest comes first', async () => {
  const far = object('content', 'far', { [`${REF}.content.x`]: 'x' });
  const facts = [image('a', 'far'), far, object('content', 'x'), image('b', 'x')];
  const { roots, path } = await kept(facts, idOf('content', 'x'));
  expect(roots.map(({ object }) => object.name)).toEqual(['b', 'a']);
  expect(path.map(({ object }) => object.name)).toEqual(['b', 'x']);
});

test('roots are counted, and so many told', async () => {
  const facts = [object('content', 'x'), ...Array.from({ length: 50 }, (_, i) => image(`i${i}`, 'x'))];
  const { roots, rootCount } = await kept(facts, idOf('content', 'x'));
  expect(rootCount).toBe(50);
  expect(roots.length).toBe(MAX_ROOTS);
});

test.each<[string, Fact, unknown]>([
  ['label', object('content', 'x', { [LABEL.gcRoot]: 'y' }), { by: 'root-label' }],
  ['writer', object('ingests', 'x', {}, { heldBy: 'writer', expiry: later(-1) }), { by: 'writer' }],
  ['age', object('ingests', 'x', {}, { expiry: later(1) }), { by: 'age' }],
  ['missing snapshotter', object('snapshots', 'x', {}, { heldBy: 'stuck' }), { by: 'stuck' }],
  ['change under way', object('content', 'x', {}, { heldBy: 'change' }), { by: 'change' }],
])('a root by its %s says so', async (_, fact, why) => {
  if (fact.fact !== 'object') throw new Error('an object');
  expect((await kept([fact], fact.id)).path).toEqual([{ object: fact.id, why }]);
});

test('a flat lease keeps its resource and the parents of that, and the path goes along them', async () => {
  const parent = { by: 'parent', object: objectName('snapshots', 'below', 's') } as const;
  const facts: Fact[] = [
    object('leases', 'l', { [LABEL.gcFlat]: 'x' }),
    { fact: 'resource', lease: idOf('leases', 'l'), resource: objectName('snapshots', 'top', 's') },
    object('snapshots', 'top', { [`${REF}.content.x`]: 'blob' }, { names: parent }),
    object('snapshots', 'below'),
    object('content', 'blob'),
  ];
  const { path } = await kept(facts, idOf('snapshots', 'below'));
  expect(path.map(({ why }) => why.by)).toEqual(['itself', 'resource', 'parent']);
  expect((await over(facts).explain(idOf('content', 'blob'))).verdict).toBe('garbage');
});

test('a condition keeps while it holds, and a back reference while the holder is there', async () => {
  const label = 'containerd.io/gc.cond.snapshot.s';
  const used = (hours: number) => ({
    'containerd.io/gc.cond.value-usedat': later(-hours * 3_600_000).toISOString(),
  });
  const holder = object('content', 'x', { [LABEL.gcRoot]: 'y', [label]: 'usedat<72h|top' });
  const young = [holder, object('snapshots', 'top', used(1))];
  expect((await kept(young, idOf('snapshots', 'top'))).path.at(-1)?.why).toEqual({ by: 'condition', label });
  const old = [holder, object('snapshots', 'top', used(100))];
  expect((await over(old).explain(idOf('snapshots', 'top'))).verdict).toBe('garbage');

  const bref = 'containerd.io/gc.bref.container';
  const bound = object('content', 'bound', { [bref]: 'c' });
  const held = await kept([bound, object('containers', 'c')], bound.id);
  expect(held.path.at(-1)?.why).toEqual({ by: 'back-label', label: bref });
  expect((await over([bound]).explain(bound.id)).verdict).toBe('garbage');
});

test('what is not there is absent, even if something names it', async () => {
  const facts = [image('a', 'gone'), object('content', 'bound', { 'containerd.io/gc.bref.content': 'gone' })];
  expect(await over(facts).explain(idOf('content', 'gone'))).toEqual({
    verdict: 'absent',
    object: idOf('content', 'gone'),
  });
});

test('an inspector of one namespace fills it in, and refuses others; the whole needs one', async () => {
  const facts = [image('a', 'x'), object('content', 'x')];
  const unbound = { ...idOf('content', 'x'), namespace: '' };
  expect(await over(facts, 'n').explain(unbound)).toMatchObject({
    verdict: 'kept',
    object: idOf('content', 'x'),
  });
  const refused = { kind: 'invalid_argument' };
  await expect(over(facts, 'other').explain(idOf('content', 'x'))).rejects.toMatchObject(refused);
  await expect(over(facts).explain(unbound)).rejects.toMatchObject(refused);
});

test('freedBy refuses what is not there, and a snapshot with children', async () => {
  const facts = [
    object('snapshots', '1'),
    object(
      'snapshots',
      '2',
      { [LABEL.gcRoot]: 'x' },
      { names: { by: 'parent', object: objectName('snapshots', '1', 's') } },
    ),
  ];
  const [one, two] = [idOf('snapshots', '1'), idOf('snapshots', '2')];
  await expect(over(facts).freedBy([idOf('images', 'no')])).rejects.toMatchObject({ kind: 'not_found' });
  const child = { kind: 'failed_precondition', message: expect.stringContaining('"2"') };
  await expect(over(facts).freedBy([one])).rejects.toMatchObject(child);
  // Their size is 30 and 300.
  expect(await over(facts).freedBy([one, two])).toMatchObject({ objects: 2, snapshotBytes: 330n });
});

test('what can be written to is measured if asked for, and counted where not', async () => {
  const names = { by: 'snapshot', object: objectName('snapshots', '1', 's') } as const;
  const facts = [object('containers', 'c', {}, { names }), object('snapshots', '1', {}, { isActive: true })];
  const [container] = facts.map(({ id }) => id);
  if (container === undefined) throw new Error('there is one');
  expect(await over(facts).freedBy([container])).toMatchObject({ snapshotBytes: 0n, unmeasured: 1 });
  const measured = { snapshotBytes: 30n, unmeasured: 0 };
  expect(await over(facts).freedBy([container], { active: true })).toMatchObject(measured);
});

test('an image that some container was made from, by whichever name, is not reclaimable', async () => {
  const facts = [
    image('a', 'x'),
    object('content', 'x'),
    image('b', 'y'),
    image('b-too', 'y'),
    object('content', 'y'),
    object('containers', 'c', {}, { image: 'b-too' }),
  ];
  const lines = await Array.fromAsync(over(facts).usage({ detail: true }));
  const [images] = lines.filter(({ of }) => of.type === 'kind' && of.kind === 'images');
  expect(images).toMatchObject({ count: 3, sizeBytes: 200n, uniqueBytes: 200n, reclaimableBytes: 100n });
  const b = lines.find(({ of }) => of.type === 'object' && of.object.name === 'b');
  expect(b).toMatchObject({ sizeBytes: 100n, uniqueBytes: 0n, sharedBytes: 100n, reclaimableBytes: 0n });
});

test('a plan tells what is left over in backends, and counts what a record frees too just once', async () => {
  const leftover = { fact: 'leftover', snapshotter: '' } as const;
  const facts: Fact[] = [
    object('content', '1'),
    { ...leftover, kind: 'content', handle: '1' },
    { ...leftover, kind: 'ingests', handle: '2' },
  ];
  expect(await Array.fromAsync(over(facts).plan())).toEqual([
    { object: idOf('content', '1'), stage: 'record', freesBytes: 100n },
    { object: { ...idOf('ingests', '2'), namespace: '' }, stage: 'backend', freesBytes: 700n },
  ]);
  expect((await Array.fromAsync(over(facts, 'n').plan())).length).toBe(1);
});

const digests = ['sha256:abcdef', 'sha256:abcd99', 'sha512:abcd00'];
test.each<[string, string[]]>([
  ['sha256:abcd', ['sha256:abcdef', 'sha256:abcd99']],
  ['abcd', digests],
  ['abcde', ['sha256:abcdef']],
  ['sha256:abcdef', ['sha256:abcdef']],
  ['abc', []],
  ['sha256:', []],
  ['cdef', []],
  ['web', ['web']],
])('find %s', async (text, found) => {
  const facts = [...digests.map((digest) => object('content', digest)), object('containers', 'web')];
  expect((await over(facts).find({ text })).map(({ name }) => name)).toEqual(found);
});

test('find prefers a name to a digest that begins so, keeps to its kind, and to its limit', async () => {
  const facts = [object('content', 'sha256:abcd00'), object('containers', 'abcd'), object('leases', 'abcd')];
  expect((await over(facts).find({ text: 'abcd' })).map(({ kind }) => kind)).toEqual([
    'containers',
    'leases',
  ]);
  expect(await over(facts).find({ text: 'abcd', kind: 'content' })).toEqual([
    idOf('content', 'sha256:abcd00'),
  ]);
  const many = Array.from({ length: 40 }, (_, i) => object('content', `sha256:abcd${i}`));
  expect((await over(many).find({ text: 'abcd' })).length).toBe(MAX_FOUND);
});

test('a fired signal ends it with its reason', async () => {
  const reason = new Error('enough');
  const { signal } = { signal: AbortSignal.abort(reason) };
  const inspector = over([image('a', 'x')]);
  await expect(inspector.explain(idOf('images', 'a'), { signal })).rejects.toBe(reason);
  await expect(Array.fromAsync(inspector.plan({ signal }))).rejects.toBe(reason);
  await expect(Array.fromAsync(inspector.usage({ signal }))).rejects.toBe(reason);
});
