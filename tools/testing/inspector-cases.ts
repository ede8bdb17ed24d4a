import { deepEqual, equal, ok } from 'node:assert/strict';
import { type Descriptor, jsonBytes, TYPE_URL } from '@stowage/core';
import type { ObjectId } from '@stowage/gc';
import { INDEX, type InspectorSubject, Scene } from './inspector-scene.ts';

export type { InspectorSubject, SubjectView } from './inspector-scene.ts';

/** One rule, put to the test. Rejects if it is broken. */
export interface InspectorCase {
  readonly rule: string;
  run(at: Scene): Promise<void>;
}

const REF = 'containerd.io/gc.ref';
const HOUR_MS = 3_600_000;

export async function runInspectorCase({ run }: InspectorCase, subject: InspectorSubject): Promise<void> {
  await using scene = new Scene(subject);
  await scene.begin();
  await run(scene);
}

const spec = jsonBytes(TYPE_URL.spec, {});

async function container(at: Scene, id: string, snapshotKey: string, image = ''): Promise<ObjectId> {
  const { snapshotter } = at.subject;
  const runtime = { name: 'io.containerd.runc.v2' };
  const rest = { labels: {}, image, spec, snapshotter, snapshotKey, extensions: {}, sandboxId: '' };
  await at.view.containers.create({ id, runtime, ...rest });
  return at.id('containers', id);
}

/** Rules that hold for every inspector of any daemon. */
export const inspectorCases: readonly InspectorCase[] = [
  {
    rule: 'an image explains its index, manifest, config, layers, and the snapshots of these',
    async run(at) {
      await at.snapshots('chain1', 'chain2');
      const layer = await at.blob(1000);
      const config = await at.blob(100, { [`${REF}.snapshot.${at.subject.snapshotter}`]: 'chain2' });
      const manifest = await at.blob(200, {
        [`${REF}.content.config`]: config.digest,
        [`${REF}.content.l.0`]: layer.digest,
      });
      const index = await at.blob(300, { [`${REF}.content.m.0`]: manifest.digest });
      await at.image('a', index);
      await at.letGo();
      const upToManifest = [
        'a: itself',
        `${index.digest}: target ${INDEX}`,
        `${manifest.digest}: ${REF}.content.m.0`,
      ];
      deepEqual(await at.path(at.id('images', 'a')), ['a: itself']);
      deepEqual(await at.path(at.id('content', layer.digest)), [
        ...upToManifest,
        `${layer.digest}: ${REF}.content.l.0`,
      ]);
      deepEqual(await at.path(at.id('snapshots', 'chain1')), [
        ...upToManifest,
        `${config.digest}: ${REF}.content.config`,
        `chain2: ${REF}.snapshot.${at.subject.snapshotter}`,
        'chain1: parent',
      ]);
    },
  },
  {
    rule: 'a lease keeps its resources until it expires',
    async run(at) {
      const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + HOUR_MS);
      const blob = await at.blob(10);
      const labels = { 'containerd.io/gc.expire': until.toISOString() };
      await at.view.leases.create({ id: 'short', labels });
      await at.view.leases.addResource('short', { type: 'content', id: blob.digest });
      equal((await at.kept(at.id('content', blob.digest))).until, undefined);
      await at.letGo();
      const told = await at.kept(at.id('content', blob.digest));
      deepEqual(told.until, until);
      deepEqual(await at.path(at.id('content', blob.digest)), ['short: itself', `${blob.digest}: resource`]);
    },
  },
  {
    rule: 'of several roots that keep it each is told, and one that stays explains it',
    async run(at) {
      const blob = await at.blob(10);
      const soon = new Date(Date.now() + HOUR_MS).toISOString();
      await at.view.leases.create({ id: 'short', labels: { 'containerd.io/gc.expire': soon } });
      await at.view.leases.addResource('short', { type: 'content', id: blob.digest });
      await at.image('b', blob);
      await at.image('a', blob);
      await at.letGo();
      const told = await at.kept(at.id('content', blob.digest));
      deepEqual(
        told.roots.map(({ object }) => object.name),
        ['a', 'b', 'short'],
      );
      equal(told.rootCount, 3);
    },
  },
  {
    rule: 'a blob with the label gc.root keeps itself and what its labels name',
    async run(at) {
      const child = await at.blob(10);
      const root = await at.blob(20, { 'containerd.io/gc.root': 'now', [`${REF}.content.0`]: child.digest });
      await at.letGo();
      deepEqual(await at.path(at.id('content', child.digest)), [
        `${root.digest}: root-label`,
        `${child.digest}: ${REF}.content.0`,
      ]);
    },
  },
  {
    rule: 'a container keeps its snapshot and the parents of that',
    async run(at) {
      await at.snapshots('base');
      await at.held.snapshotter(at.subject.snapshotter).prepare('rootfs', 'base');
      await container(at, 'web', 'rootfs');
      await at.letGo();
      deepEqual(await at.path(at.id('snapshots', 'base')), [
        'web: itself',
        'rootfs: snapshot',
        'base: parent',
      ]);
      const freed = await at.inspector.freedBy([at.id('containers', 'web')], { active: true });
      deepEqual([freed.objects, freed.unmeasured], [3, 0]);
      equal((await at.inspector.freedBy([at.id('containers', 'web')])).unmeasured, 1);
    },
  },
  {
    rule: 'what is not there is absent, or not found',
    async run(at) {
      const nothing = at.id('images', 'nothing');
      deepEqual(await at.inspector.explain(nothing), { verdict: 'absent', object: nothing });
      const failed = await at.inspector.freedBy([nothing]).catch((e: unknown) => e);
      equal((failed as { kind?: string }).kind, 'not_found');
    },
  },
  {
    rule: 'the removal of an image frees what no other image has',
    async run(at) {
      const shared = await at.blob(1000);
      const [own, other] = [await at.blob(400), await at.blob(50)];
      const refs = (...to: Descriptor[]) =>
        Object.fromEntries(to.map(({ digest }, i) => [`${REF}.content.l.${i}`, digest]));
      const a = await at.image('a', await at.blob(7, refs(shared, own)));
      const b = await at.image('b', await at.blob(9, refs(shared, other)));
      await at.letGo();
      const freed = async (...ids: ObjectId[]) => (await at.inspector.freedBy(ids)).contentBytes;
      equal(await freed(a), 407n);
      equal(await freed(b), 59n);
      equal(await freed(a, b), 1466n);
      const { sizeBytes, uniqueBytes, sharedBytes } = await at.usage({ type: 'object', object: a });
      deepEqual([sizeBytes, uniqueBytes, sharedBytes], [1407n, 407n, 1000n]);
      const images = await at.usage({ type: 'kind', kind: 'images' });
      deepEqual([images.sizeBytes, images.uniqueBytes, images.reclaimableBytes], [1466n, 1466n, 1466n]);
      const content = await at.usage({ type: 'kind', kind: 'content' });
      deepEqual([content.sizeBytes, content.uniqueBytes, content.sharedBytes], [1466n, 466n, 1000n]);
    },
  },
  {
    rule: 'bytes that another namespace has too are counted once, and stay',
    async run(at) {
      await using other = new Scene(at.subject);
      await other.begin();
      const fill = at.namespace;
      const shared = await at.blob(1000, {}, fill);
      await other.blob(1000, {}, fill);
      const own = await at.blob(300);
      const a = await at.image('a', shared);
      const c = await at.image('c', own);
      await other.image('b', shared);
      await at.letGo();
      await other.letGo();
      equal((await at.inspector.freedBy([a, c])).contentBytes, 300n);
      const both = [a, { ...a, name: 'b', namespace: other.namespace }];
      const whole = at.subject.inspector('');
      equal((await whole.freedBy(both)).contentBytes, 1000n);
      const line = await at.usage({ type: 'namespace', namespace: at.namespace }, whole);
      deepEqual([line.sizeBytes, line.uniqueBytes, line.sharedBytes], [1300n, 300n, 1000n]);
      // An inspector of one namespace tells of no other.
      const lines = await Array.fromAsync(at.inspector.usage({ detail: true }));
      ok(!JSON.stringify(lines.map(({ of }) => of)).includes(other.namespace));
    },
  },
  {
    rule: 'images that no container was made from are reclaimable',
    async run(at) {
      await at.snapshots('base');
      await at.held.snapshotter(at.subject.snapshotter).prepare('rootfs', 'base');
      await at.image('used', await at.blob(500));
      const idle = await at.image('idle', await at.blob(60));
      await container(at, 'web', 'rootfs', 'used');
      await at.letGo();
      equal((await at.usage({ type: 'object', object: idle })).reclaimableBytes, 60n);
      equal((await at.usage({ type: 'object', object: at.id('images', 'used') })).reclaimableBytes, 0n);
      equal((await at.usage({ type: 'kind', kind: 'images' })).reclaimableBytes, 60n);
    },
  },
  {
    rule: 'a digest is found by how it begins, an image by its name',
    async run(at) {
      const { digest } = await at.blob(123);
      await at.image('docker.io/library/a:1', { mediaType: INDEX, digest, size: 123n });
      const found = [at.id('content', digest)];
      deepEqual(await at.inspector.find({ text: digest.slice(0, 30) }), found);
      deepEqual(await at.inspector.find({ text: digest.slice(7, 30) }), found);
      const image = [at.id('images', 'docker.io/library/a:1')];
      deepEqual(await at.inspector.find({ text: 'docker.io/library/a:1', kind: 'images' }), image);
      deepEqual(await at.inspector.find({ text: 'docker.io/library/a:1', kind: 'leases' }), []);
    },
  },
  {
    rule: 'an ingest that somebody writes to is kept, by its writer or by its age',
    async run(at) {
      await using writer = await at.view.content.writer({ ref: 'upload' });
      await writer.write(Buffer.from('hello'));
      const { path, until } = await at.kept(at.id('ingests', 'upload'));
      const knows = !(await at.inspector.limits()).includes('ingests');
      deepEqual(
        path.map(({ object, why }) => `${object.name}: ${why.by}`),
        [knows ? 'upload: writer' : 'upload: age'],
      );
      equal(until === undefined, knows);
      const { sizeBytes } = await at.usage({ type: 'kind', kind: 'ingests' });
      equal(sizeBytes, 5n);
    },
  },
  {
    rule: 'what nothing keeps is in the plan with its bytes, or gone already',
    async run(at) {
      const blob = await at.blob(4321);
      await at.letGo();
      const plan = await Array.fromAsync(at.inspector.plan());
      const told = await at.inspector.explain(at.id('content', blob.digest));
      ok(told.verdict === 'garbage' || told.verdict === 'absent', told.verdict);
      for (const { object, stage, freesBytes } of plan.filter(({ object }) => object.name === blob.digest)) {
        equal(stage, 'record');
        equal(freesBytes, 4321n);
        equal(object.namespace, at.namespace);
      }
      if (told.verdict === 'garbage') ok(plan.some(({ object }) => object.name === blob.digest));
    },
  },
];
