import { createRouterTransport } from '@connectrpc/connect';
import { describe, expect, test } from '@jest/globals';
import { LABEL } from '@stowage/core';
import { type GarbageInspector, type ObjectId, objectName } from '@stowage/gc';
import { inspectorOverApi } from '@stowage/gc/over-api';
import { remoteInspector } from '@stowage/gc/remote';
import { garbageRoutes } from '@stowage/gc/service';
import type { Metadata } from '@stowage/metadata';
import { inspectorCases, runInspectorCase } from '@stowage/testing/inspector-cases';
import { MemorySnapshotter } from './memory-snapshotter.ts';
import { blobOf, overConnect, put, type Reach, Setting } from './setting.ts';

type View = ReturnType<Reach>;
type InspectorOf = (metadata: Metadata, view: View, namespace: string) => GarbageInspector;

const local: InspectorOf = (metadata, _, namespace) => metadata.inspector({ namespace });

const remote: InspectorOf = (metadata, _, namespace) =>
  remoteInspector(createRouterTransport(garbageRoutes((scope) => metadata.inspector(scope))), { namespace });

const overApi: InspectorOf = (_, view, namespace) =>
  inspectorOverApi(
    {
      namespaces: view.namespaces,
      snapshotters: async () => ['memory'],
      scoped: (scope) => {
        const { content, ...rest } = view.scope(scope);
        if (content === undefined) throw new Error('there is a content store');
        return { content, ...rest };
      },
    },
    { namespace },
  );

describe.each<[string, InspectorOf, Reach | undefined]>([
  ['local', local, undefined],
  ['remote', remote, undefined],
  ['over what is listed', overApi, undefined],
  ['over what is listed, remotely', overApi, overConnect],
])('%s', (_, inspectorOf, reach) => {
  test.each(inspectorCases.map((one) => [one.rule, one] as const))('%s', async (_, one) => {
    await using at = await Setting.make({}, reach);
    const view = (reach ?? ((metadata) => metadata))(at.metadata);
    await runInspectorCase(one, {
      snapshotter: 'memory',
      scope: (scope) => ({ ...view.scope(scope), content: at.contentOf(scope.namespace, scope.lease) }),
      inspector: (namespace) => inspectorOf(at.metadata, view, namespace),
    });
  });
});

const idOf = (...[kind, name, snapshotter]: Parameters<typeof objectName>): ObjectId => ({
  ...objectName(kind, name, snapshotter),
  namespace: 'default',
});

test('orphans: what no record names, and what no backend has', async () => {
  await using at = await Setting.make();
  const lost = await put(at.contentOf(), 'lost', { [LABEL.gcRoot]: 'x' });
  const s = at.scope().snapshotter('memory');
  await s.prepare('gone', '', { labels: { [LABEL.gcRoot]: 'x' } });
  await put(at.contentOf(), 'well', { [LABEL.gcRoot]: 'x' });
  const inspector = at.metadata.inspector({ namespace: '' });
  expect(await Array.fromAsync(inspector.orphans())).toEqual([]);

  at.content.blobs.delete(lost.digest);
  at.snapshotter.snapshots.clear();
  await at.snapshotter.prepare('stray', '');
  const stray = await put(at.content, 'stray');
  const nobody = { namespace: '', snapshotter: '' };
  expect(await Array.fromAsync(inspector.orphans())).toEqual([
    { problem: 'unrecorded', object: { ...nobody, kind: 'content', name: stray.digest }, sizeBytes: 5n },
    {
      problem: 'unrecorded',
      object: { ...nobody, kind: 'snapshots', snapshotter: 'memory', name: 'stray' },
      sizeBytes: 0n,
    },
    { problem: 'missing', object: idOf('content', lost.digest) },
    { problem: 'missing', object: idOf('snapshots', 'gone', 'memory') },
  ]);
  expect(await Array.fromAsync(at.metadata.inspector({ namespace: 'other' }).orphans())).toEqual([]);
});

test('what is being made or waits to be deleted is no orphan', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  await s.prepare('removed', '');
  await s.remove('removed');
  await (await at.contentOf().writer({ ref: 'begun' }))[Symbol.asyncDispose]();
  const inspector = at.metadata.inspector({ namespace: '' });
  let during: unknown[] | undefined;
  at.snapshotter.gate = async () => {
    at.snapshotter.gate = () => Promise.resolve();
    during = await Array.fromAsync(inspector.orphans());
  };
  await s.prepare('making', '');
  expect(during).toEqual([]);
  // The same while an active one becomes a committed one, and has the other name already in the backend.
  const committing = new Promise<Promise<unknown[]>>((resolve) => {
    at.snapshotter.gate = async () => {
      at.snapshotter.gate = () => Promise.resolve();
      resolve(Array.fromAsync(inspector.orphans()));
      await new Promise((done) => setTimeout(done, 200));
    };
  });
  await s.commit('made', 'making');
  expect(await await committing).toEqual([]);
  expect(await Array.fromAsync(inspector.plan())).toContainEqual({
    object: {
      namespace: '',
      kind: 'snapshots',
      snapshotter: 'memory',
      name: expect.stringMatching(/removed$/),
    },
    stage: 'backend',
    freesBytes: 0n,
  });
});

test('a snapshot that is being made keeps its parent meanwhile, and says why', async () => {
  await using at = await Setting.make();
  const s = at.scope().snapshotter('memory');
  await s.prepare('a', '');
  await s.commit('base', 'a');
  const inspector = at.metadata.inspector({ namespace: 'default' });
  let during: unknown;
  at.snapshotter.gate = async () => {
    during = await inspector.explain(idOf('snapshots', 'base', 'memory'));
  };
  await s.prepare('child', 'base');
  expect(during).toMatchObject({ verdict: 'kept', path: [{ why: { by: 'change' } }] });
});

test('a snapshot whose snapshotter is not here stays with what it keeps, and says why', async () => {
  const snapshotters = new Map([['memory', new MemorySnapshotter()]]);
  await using at = await Setting.make({ snapshotters });
  const s = at.scope().snapshotter('memory');
  await s.prepare('a', '');
  await s.commit('base', 'a');
  const blob = await put(at.contentOf(), 'x');
  await s.prepare('top', 'base', { labels: { 'containerd.io/gc.ref.content.x': blob.digest } });
  snapshotters.clear();
  await at.reopen();
  const inspector = at.metadata.inspector({ namespace: 'default' });
  const by = async (id: ObjectId) => {
    const told = await inspector.explain(id);
    return told.verdict === 'kept' ? told.path.map(({ why }) => why.by) : told.verdict;
  };
  expect(await by(idOf('snapshots', 'top', 'memory'))).toEqual(['stuck']);
  expect(await by(idOf('snapshots', 'base', 'memory'))).toEqual(['stuck']);
  expect(await by(idOf('content', blob.digest))).toEqual(['stuck', 'label']);
  expect(await Array.fromAsync(inspector.plan())).toEqual([]);
  expect((await at.metadata.collect()).removed).toBe(0);
});

test('a flat lease keeps an expired image and its target, and nothing that the labels of these name', async () => {
  let now = new Date('2030-01-01T00:00:00Z');
  await using at = await Setting.make({ now: () => now });
  const leaf = await put(at.contentOf(), 'leaf');
  const target = await put(at.contentOf(), 'target', { 'containerd.io/gc.ref.content.x': leaf.digest });
  await at.scope().leases.create({ id: 'l', labels: { [LABEL.gcFlat]: 'yes' } });
  const labels = { [LABEL.gcExpire]: '2030-01-01T01:00:00Z' };
  await at.scope('default', 'l').images.create({ name: 'a', target, labels });
  now = new Date('2030-01-02T00:00:00Z');
  const inspector = at.metadata.inspector({ namespace: 'default' });
  expect(await inspector.explain(idOf('content', target.digest))).toMatchObject({
    path: [{ why: { by: 'itself' } }, { why: { by: 'resource' } }, { why: { by: 'target' } }],
  });
  const plan = await Array.fromAsync(inspector.plan());
  expect(plan.map(({ object }) => object.name)).toEqual([leaf.digest]);
  expect((await at.metadata.collect()).removed).toBe(1);
});

test('run collects, and tells what it freed', async () => {
  await using at = await Setting.make();
  await put(at.contentOf(), 'x'.repeat(1000));
  const kept = await put(at.contentOf(), 'kept', { [LABEL.gcRoot]: 'x' });
  const told = await at.metadata.inspector({ namespace: '' }).run();
  expect(told).toMatchObject({ removed: 1, pruned: 1, freedBytes: 1000n });
  expect([...at.content.blobs.keys()]).toEqual([kept.digest]);
});

test('a blob that is damaged or gone does not keep others from being told', async () => {
  await using at = await Setting.make();
  const image = await put(at.contentOf(), 'image');
  await at.scope().images.create({ name: 'a', target: image, labels: {} });
  at.content.blobs.delete(blobOf('image').digest);
  const freed = await at.metadata.inspector({ namespace: 'default' }).freedBy([idOf('images', 'a')]);
  // What is recorded is told: looking into every backend is for orphans.
  expect(freed).toMatchObject({ objects: 2, contentBytes: 5n, unmeasured: 0 });
});

test('an ingest keeps the blob that it was opened to write, as the collector has it', async () => {
  await using at = await Setting.make();
  const { digest } = blobOf('x');
  await (await at.contentOf().writer({ ref: 'late', expected: digest }))[Symbol.asyncDispose]();
  await put(at.contentOf(), 'x');
  const inspector = at.metadata.inspector({ namespace: 'default' });
  expect(await inspector.explain(idOf('content', digest))).toMatchObject({
    verdict: 'kept',
    path: [{ object: { kind: 'ingests', name: 'late' }, why: { by: 'age' } }, { why: { by: 'expected' } }],
  });
  expect(await Array.fromAsync(inspector.plan())).toEqual([]);
  expect((await at.metadata.collect()).removed).toBe(0);
});
