import { createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import {
  type Explanation,
  firstOf,
  type GarbageInspector,
  type ObjectId,
  type Orphan,
  objectName,
  type Removal,
  type Usage,
} from '@stowage/gc';
import { inspectorOver } from '@stowage/gc/inspect';
import { remoteInspector } from '@stowage/gc/remote';
import { garbageRoutes } from '@stowage/gc/service';
import fc from 'fast-check';
import { facts, sourceOf } from './arbitrary-facts.ts';

const image: ObjectId = { ...objectName('images', 'docker.io/library/a:1'), namespace: 'n' };
const blob: ObjectId = { ...objectName('content', 'sha256:ab'), namespace: 'n' };
const layer: ObjectId = { ...objectName('snapshots', 'chain/1', 'overlayfs'), namespace: 'n' };
const until = new Date('2031-02-03T04:05:06.789Z');

const kept: Explanation = {
  verdict: 'kept',
  object: layer,
  path: [
    { object: image, why: { by: 'itself' } },
    { object: blob, why: { by: 'target', mediaType: 'application/vnd.oci.image.index.v1+json' } },
    { object: layer, why: { by: 'label', label: 'containerd.io/gc.ref.snapshot.overlayfs' } },
  ],
  roots: [
    { object: image, why: { by: 'itself' }, until },
    { object: blob, why: { by: 'root-label' }, until: undefined },
  ],
  rootCount: 25,
  until,
};
const removals: Removal[] = [
  { object: blob, stage: 'record', freesBytes: 0n },
  { object: layer, stage: 'record', freesBytes: undefined },
  { object: { ...blob, namespace: '' }, stage: 'backend', freesBytes: 1n << 40n },
];
const sums = {
  count: 2,
  sizeBytes: 5n,
  uniqueBytes: 3n,
  sharedBytes: 2n,
  reclaimableBytes: 1n,
  unmeasured: 4,
};
const usages: Usage[] = [
  { of: { type: 'total' }, ...sums },
  { of: { type: 'namespace', namespace: 'n' }, ...sums },
  { of: { type: 'kind', kind: 'sandboxes' }, ...sums },
  { of: { type: 'object', object: image }, ...sums },
];
const orphans: Orphan[] = [
  { problem: 'missing', object: blob },
  { problem: 'unrecorded', object: { ...layer, namespace: '' }, sizeBytes: 7n },
  { problem: 'unrecorded', object: { ...blob, namespace: '' }, sizeBytes: undefined },
];

/** Answers as it is told, and remembers what it was asked. */
function told(more: Partial<GarbageInspector> = {}): GarbageInspector & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    limits: async () => ['ingests', 'unfinished', 'moment', 'backends', 'run'],
    async find(query) {
      asked.push(query);
      return [image, layer];
    },
    async explain(object) {
      asked.push(object);
      return kept;
    },
    async *plan({ active } = {}) {
      asked.push({ active });
      yield* removals;
    },
    freedBy: async (objects, { active } = {}) => {
      asked.push({ objects, active });
      return { objects: 3, contentBytes: 1n, snapshotBytes: 2n, ingestBytes: 3n, unmeasured: 4 };
    },
    async *usage({ detail, active } = {}) {
      asked.push({ detail, active });
      for (let i = 0; i < 60; i++) yield* usages;
    },
    async *orphans() {
      yield* orphans;
    },
    // As clocks tell it, in parts of a nanosecond.
    run: async () => ({ removed: 1, pruned: 2, freedBytes: 3n, durationMs: 1234.0000001234 }),
    ...more,
  };
}

test('everything crosses the wire', async () => {
  const local = told();
  const scopes: unknown[] = [];
  const routes = garbageRoutes((scope) => {
    scopes.push(scope);
    return local;
  });
  const remote = remoteInspector(createRouterTransport(routes), { namespace: 'n' });
  expect(await remote.limits()).toEqual(await local.limits());
  expect(await remote.find({ text: 'x', kind: 'images' })).toEqual([image, layer]);
  expect(await remote.explain(layer)).toEqual(kept);
  expect(await Array.fromAsync(remote.plan({ active: true }))).toEqual(removals);
  expect(await remote.freedBy([image, layer])).toEqual(await local.freedBy([], {}));
  expect((await Array.fromAsync(remote.usage({ detail: true }))).length).toBe(240);
  expect((await Array.fromAsync(remote.usage())).slice(0, 4)).toEqual(usages);
  expect(await Array.fromAsync(remote.orphans())).toEqual(orphans);
  expect(await remote.run()).toEqual({ removed: 1, pruned: 2, freedBytes: 3n, durationMs: 1234 });
  expect(local.asked).toContainEqual({ text: 'x', kind: 'images' });
  expect(local.asked).toContainEqual(layer);
  expect(local.asked).toContainEqual({ active: true });
  expect(local.asked).toContainEqual({ objects: [image, layer], active: false });
  expect(local.asked).toContainEqual({ detail: true, active: false });
  expect(scopes[0]).toEqual({ namespace: 'n' });
});

test.each<['garbage' | 'absent']>([['garbage'], ['absent']])(
  'the verdict %s crosses the wire',
  async (verdict) => {
    const local = told({ explain: async (object) => ({ verdict, object }) });
    const remote = remoteInspector(createRouterTransport(garbageRoutes(() => local)), { namespace: '' });
    expect(await remote.explain(blob)).toEqual({ verdict, object: blob });
  },
);

test.each([
  ['an unknown kind', { ...blob, kind: 'planets' }],
  ['no name', { ...blob, name: '' }],
  ['a snapshot without snapshotter', { ...layer, snapshotter: '' }],
  ['a blob with snapshotter', { ...blob, snapshotter: 'overlayfs' }],
])('an object with %s is invalid_argument', async (_, object) => {
  const remote = remoteInspector(createRouterTransport(garbageRoutes(() => told())), { namespace: '' });
  await expect(remote.explain(object as ObjectId)).rejects.toMatchObject({ kind: 'invalid_argument' });
});

test('explanations of any daemon are the same through both ends', async () => {
  await fc.assert(
    fc.asyncProperty(facts, async (all) => {
      const local = inspectorOver(sourceOf(all), { namespace: '' });
      const remote = remoteInspector(createRouterTransport(garbageRoutes(() => local)), { namespace: '' });
      for (const fact of all) {
        if (fact.fact === 'object')
          expect(await remote.explain(fact.id)).toEqual(await local.explain(fact.id));
      }
      expect(await Array.fromAsync(remote.usage({ detail: true }))).toEqual(
        await Array.fromAsync(local.usage({ detail: true })),
      );
    }),
    { numRuns: 30 },
  );
});

test('where the service is not there, the other inspector answers', async () => {
  const none = remoteInspector(
    createRouterTransport(() => undefined),
    { namespace: '' },
  );
  const other = told();
  const either = firstOf(none, other);
  expect(await either.explain(layer)).toEqual(kept);
  expect(await Array.fromAsync(either.plan())).toEqual(removals);
});

test('where it is there, it answers; another failure is told, and does not decide for good', async () => {
  let up = false;
  const first = told({
    limits: async () => {
      if (!up) throw new Fault('unavailable', 'connect: nobody there');
      return [];
    },
  });
  const either = firstOf(first, told());
  await expect(either.limits()).rejects.toMatchObject({ kind: 'unavailable' });
  up = true;
  expect(await either.limits()).toEqual([]);
  // What this one can't do is for it to say.
  const run = async () => Promise.reject(new Fault('unimplemented', 'run: not this one'));
  await expect(firstOf(told({ run }), told()).run()).rejects.toMatchObject({ message: 'run: not this one' });
});
