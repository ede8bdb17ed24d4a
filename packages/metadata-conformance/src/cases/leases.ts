import assert from 'node:assert/strict';
import type { LeaseResource } from '@stowage/leases';
import type { Case } from '../subject.ts';
import { collect, fresh, refused, target } from '../support.ts';

/** In the order in which they are listed. */
const RESOURCES: readonly LeaseResource[] = [
  { type: 'content', id: target.digest },
  { type: 'ingests', id: '../layer/1' },
  { type: 'snapshots/overlayfs', id: 'a/b c' },
];

const EXPIRES = { 'containerd.io/gc.expire': '2001-01-01T00:00:00Z' };

export const leaseCases: readonly Case[] = [
  {
    id: 'leases/without-an-id-get-a-random-one',
    async run(context) {
      const { leases } = fresh(context);
      const made = [await leases.create({}), await leases.create({ labels: { a: '1' } })];
      const ids = made.map(({ id }) => id);
      assert.equal(new Set(ids).size, 2);
      assert.ok(!ids.includes(''));
      assert.deepEqual((await collect(leases.list())).map(({ id }) => id).sort(), ids.toSorted());
    },
  },
  {
    id: 'leases/hold-what-need-not-exist',
    async run(context) {
      const { leases } = fresh(context);
      await leases.create({ id: 'l' });
      await leases.create({ id: 'other' });
      for (const resource of RESOURCES.toReversed()) await leases.addResource('l', resource);
      await leases.addResource('l', RESOURCES[0] as LeaseResource);
      assert.deepEqual(await collect(leases.resources('l')), RESOURCES);
      assert.deepEqual(await collect(leases.resources('other')), []);
    },
  },
  {
    id: 'leases/hold-images-too',
    async run(context) {
      const { leases } = fresh(context);
      await leases.create({ id: 'l' });
      const held = { type: 'images', id: 'docker.io/library/busybox:latest' };
      for (const resource of [...RESOURCES, held]) await leases.addResource('l', resource);
      const [content, ...rest] = RESOURCES;
      assert.deepEqual(await collect(leases.resources('l')), [content, held, ...rest]);
      await leases.deleteResource('l', held);
      assert.deepEqual(await collect(leases.resources('l')), RESOURCES);
    },
  },
  {
    id: 'leases/let-go-of-resources',
    async run(context) {
      const { leases } = fresh(context);
      await leases.create({ id: 'l' });
      for (const resource of RESOURCES) await leases.addResource('l', resource);
      const [first, ...rest] = RESOURCES as readonly [LeaseResource, ...LeaseResource[]];
      await leases.deleteResource('l', first);
      await leases.deleteResource('l', first);
      await leases.deleteResource('l', { type: 'snapshots/native', id: 'a/b c' });
      assert.deepEqual(await collect(leases.resources('l')), rest);
      await leases.delete('l');
      await leases.create({ id: 'l' });
      assert.deepEqual(await collect(leases.resources('l')), []);
    },
  },
  {
    id: 'leases/a-type-that-can-not-be-leased-is-unimplemented',
    async run(context) {
      const { leases } = fresh(context);
      await leases.create({ id: 'l' });
      for (const type of ['', 'containers', 'leases', 'sandboxes', 'Content', 'blob'])
        for (const change of [leases.addResource, leases.deleteResource])
          await refused('unimplemented', () => change('l', { type, id: 'x' }));
      assert.deepEqual(await collect(leases.resources('l')), []);
    },
  },
  {
    id: 'leases/a-malformed-resource-is-refused',
    async run(context) {
      const { leases } = fresh(context);
      await leases.create({ id: 'l' });
      for (const [type, id] of [
        ['content/x', target.digest],
        ['ingests/x', 'a'],
        ['ingests/', 'a'],
        ['snapshots', 'a'],
        ['snapshots/a/b', 'a'],
        ['content', 'no digest'],
        ['content', ''],
      ] as const)
        for (const change of [leases.addResource, leases.deleteResource])
          await refused('invalid_argument', () => change('l', { type, id }));
      assert.deepEqual(await collect(leases.resources('l')), []);
    },
  },
  {
    id: 'leases/a-resource-has-a-name-and-a-snapshotter',
    async run(context) {
      const { leases } = fresh(context);
      await leases.create({ id: 'l' });
      for (const [type, id] of [
        ['ingests', ''],
        ['snapshots/overlayfs', ''],
        ['snapshots/', 'a'],
      ] as const)
        await refused('invalid_argument', () => leases.addResource('l', { type, id }));
      assert.deepEqual(await collect(leases.resources('l')), []);
    },
  },
  {
    id: 'leases/of-one-that-is-not-there-no-resource-is-looked-at',
    async run(context) {
      const { leases } = fresh(context);
      for (const type of ['ingests', 'nonsense', 'content/x']) {
        await refused('not_found', () => leases.addResource('gone', { type, id: 'x' }), 'gone');
        await refused('not_found', () => leases.deleteResource('gone', { type, id: 'x' }), 'gone');
      }
      await refused('not_found', () => collect(leases.resources('gone')), 'gone');
      await leases.create({ id: 'there' });
      await refused('not_found', () => collect(leases.resources('gone')), 'gone');
    },
  },
  {
    id: 'leases/resources-stay-in-their-namespace',
    async run(context) {
      const [mine, theirs] = [fresh(context), fresh(context)];
      await mine.leases.create({ id: 'l' });
      await theirs.leases.create({ id: 'l' });
      await mine.leases.addResource('l', { type: 'ingests', id: 'a' });
      assert.deepEqual(await collect(theirs.leases.resources('l')), []);
      await theirs.leases.deleteResource('l', { type: 'ingests', id: 'a' });
      await theirs.leases.delete('l');
      assert.deepEqual(await collect(mine.leases.resources('l')), [{ type: 'ingests', id: 'a' }]);
    },
  },
  {
    id: 'leases/an-image-that-expires-goes-into-the-lease-of-its-maker',
    async run({ services, namespace }) {
      const own = namespace();
      const { images, leases } = services.scope({ namespace: own });
      await leases.create({ id: 'l' });
      const leased = services.scope({ namespace: own, lease: 'l' }).images;
      await leased.create({ name: 'plain', target, labels: {} });
      await images.create({ name: 'unleased', target, labels: EXPIRES });
      assert.deepEqual(await collect(leases.resources('l')), []);
      await leased.create({ name: 'expires', target, labels: EXPIRES });
      await leased.update({ name: 'plain', labels: EXPIRES }, ['labels']);
      assert.deepEqual(await collect(leases.resources('l')), [
        { type: 'images', id: 'expires' },
        { type: 'images', id: 'plain' },
      ]);
      await leased.delete('expires');
      assert.deepEqual(await collect(leases.resources('l')), [{ type: 'images', id: 'plain' }]);
    },
  },
  {
    id: 'leases/that-are-not-there-take-no-image',
    async run({ services, namespace }) {
      const own = namespace();
      const { images } = services.scope({ namespace: own });
      const leased = services.scope({ namespace: own, lease: 'gone' }).images;
      await refused('not_found', () => leased.create({ name: 'a', target, labels: EXPIRES }), 'lease');
      assert.deepEqual(await collect(images.list()), []);
      await leased.create({ name: 'a', target, labels: {} });
      await refused('not_found', () => leased.update({ name: 'a', labels: EXPIRES }, ['labels']), 'lease');
      assert.deepEqual({ ...(await images.get('a')).labels }, {});
    },
  },
  {
    id: 'leases/a-synchronous-delete-waits-for-a-whole-collection',
    async run({ services, namespace }) {
      const own = namespace();
      const { images, leases } = services.scope({ namespace: own });
      await leases.create({ id: 'holds' });
      await leases.create({ id: 'other' });
      await services.scope({ namespace: own, lease: 'holds' }).images.create({
        name: 'a',
        target,
        labels: EXPIRES,
      });
      await leases.delete('other', { sync: true });
      assert.equal((await images.get('a')).name, 'a');
      await leases.delete('holds', { sync: true });
      await refused('not_found', () => images.get('a'));
    },
  },
];
