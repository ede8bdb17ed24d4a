import assert from 'node:assert/strict';
import type { Descriptor, Digest } from '@stowage/core';
import type { NewImage } from '@stowage/images';
import type { Case } from '../subject.ts';
import { collect, fresh, otherTarget, refused, sameMap, target } from '../support.ts';

const EPOCH = new Date('2001-02-03T04:05:06Z');

function sameTarget(actual: Descriptor, expected: Descriptor): void {
  const plain = ({ mediaType, digest, size, annotations = {} }: Descriptor) => ({
    mediaType,
    digest,
    size,
    annotations: { ...annotations },
  });
  assert.deepEqual(plain(actual), plain(expected));
}

export const imageCases: readonly Case[] = [
  {
    id: 'images/keep-their-target-as-it-is',
    async run(context) {
      const { images } = fresh(context);
      const noted = { ...target, size: 2n ** 40n, annotations: { 'org.example/a.b': 'x', __proto__x: 'y' } };
      sameTarget((await images.create({ name: 'a', target: noted, labels: {} })).target, noted);
      sameTarget((await images.get('a')).target, noted);
    },
  },
  {
    id: 'images/need-a-name-and-a-whole-target',
    async run(context) {
      const { images } = fresh(context);
      const good: NewImage = { name: 'a', target, labels: {} };
      const bad: readonly NewImage[] = [
        { ...good, name: '' },
        { ...good, target: { ...target, mediaType: '' } },
        { ...good, target: { ...target, size: 0n } },
        { ...good, target: { ...target, size: -1n } },
        ...[
          '',
          'sha256:',
          'sha256:abc',
          'a'.repeat(64),
          `md5:${'a'.repeat(32)}`,
          `sha256:${'A'.repeat(64)}`,
        ].map((digest) => ({ ...good, target: { ...target, digest: digest as Digest } })),
      ];
      for (const image of bad) await refused('invalid_argument', () => images.create(image));
      assert.deepEqual(await collect(images.list()), []);
      await images.create(good);
      for (const image of bad.slice(1))
        await refused('invalid_argument', () => images.update(image, ['target']));
      await refused('invalid_argument', () => images.update({ ...good, name: '' }, ['target']));
      sameTarget((await images.get('a')).target, target);
    },
  },
  {
    id: 'images/a-mask-replaces-the-target-as-a-whole',
    async run(context) {
      const { images } = fresh(context);
      const noted = { ...target, annotations: { a: '1' } };
      await images.create({ name: 'a', target: noted, labels: { a: '1' } });
      const updated = await images.update({ name: 'a', target: otherTarget, labels: {} }, ['target']);
      sameTarget(updated.target, otherTarget);
      sameMap(updated.labels, { a: '1' });
      await images.update({ name: 'a', target: noted, labels: {} }, ['labels']);
      sameTarget((await images.get('a')).target, otherTarget);
    },
  },
  {
    id: 'images/annotations-have-masks-of-their-own',
    async run(context) {
      const { images } = fresh(context);
      await images.create({
        name: 'a',
        target: { ...target, annotations: { 'x.y/z': '1', b: '2' } },
        labels: {},
      });
      const change = (annotations: Readonly<Record<string, string>>, path: string) =>
        images.update({ name: 'a', target: { ...otherTarget, annotations } }, [path]);
      const expect = async (annotations: Readonly<Record<string, string>>) =>
        sameTarget((await images.get('a')).target, { ...target, annotations });
      await change({ 'x.y/z': '3', b: 'new' }, 'annotations.x.y/z');
      await expect({ 'x.y/z': '3', b: '2' });
      await change({}, 'annotations.b');
      await expect({ 'x.y/z': '3' });
      await change({ c: '4', empty: '' }, 'annotations');
      await expect({ c: '4' });
    },
  },
  {
    id: 'images/without-a-mask-labels-and-target-are-replaced',
    async run(context) {
      const { images } = fresh(context);
      await images.create({ name: 'a', target: { ...target, annotations: { a: '1' } }, labels: { a: '1' } });
      const updated = await images.update({ name: 'a', target: otherTarget, labels: { b: '2' } });
      sameTarget(updated.target, otherTarget);
      sameMap(updated.labels, { b: '2' });
      await refused('invalid_argument', () => images.update({ name: 'a', labels: {} }));
      sameTarget((await images.get('a')).target, otherTarget);
    },
  },
  {
    id: 'images/a-source-date-epoch-is-stamped-instead-of-now',
    async run(context) {
      const { images } = fresh(context);
      const made = await images.create({ name: 'a', target, labels: {} }, { sourceDateEpoch: EPOCH });
      assert.equal(made.createdAt.getTime(), EPOCH.getTime());
      assert.equal(made.updatedAt.getTime(), EPOCH.getTime());
      const later = new Date(EPOCH.getTime() + 1000);
      await images.update({ name: 'a', labels: { a: '1' } }, ['labels'], { sourceDateEpoch: later });
      const found = await images.get('a');
      assert.equal(found.createdAt.getTime(), EPOCH.getTime());
      assert.equal(found.updatedAt.getTime(), later.getTime());
      const now = await images.update({ name: 'a', labels: {} }, ['labels']);
      assert.ok(now.updatedAt.getTime() > later.getTime());
    },
  },
  {
    id: 'images/are-deleted-only-while-they-point-where-the-caller-believes',
    async run(context) {
      const { images } = fresh(context);
      await images.create({ name: 'a', target, labels: {} });
      await refused('not_found', () => images.delete('a', { target: otherTarget }), 'a');
      await images.update({ name: 'a', target: otherTarget }, ['target']);
      await refused('not_found', () => images.delete('a', { target }), 'a');
      await images.delete('a', { target: otherTarget });
      await refused('not_found', () => images.get('a'));
      await refused('not_found', () => images.delete('a', { target: otherTarget }));
    },
  },
  {
    id: 'images/a-synchronous-delete-waits-for-a-whole-collection',
    async run(context) {
      const { images } = fresh(context);
      const gone = { 'containerd.io/gc.expire': '2001-01-01T00:00:00Z' };
      await images.create({ name: 'plain', target, labels: {} });
      await images.create({ name: 'stays', target, labels: {} });
      await images.create({ name: 'expired', target, labels: gone });
      await images.delete('plain', { sync: true });
      assert.deepEqual(
        (await collect(images.list())).map(({ name }) => name),
        ['stays'],
      );
    },
  },
];
