import assert from 'node:assert/strict';
import { kinds } from '../kinds.ts';
import type { Case, CaseContext, MetadataServices } from '../subject.ts';
import { collect, mapOf, refused, sameMap } from '../support.ts';

async function isListed({ namespaces }: MetadataServices, name: string): Promise<boolean> {
  return (await collect(namespaces.list())).some((one) => one.name === name);
}

export const namespaceCases: readonly Case[] = [
  {
    id: 'namespaces/are-made-found-listed-and-deleted',
    async run({ services, namespace }) {
      const { namespaces } = services;
      const name = namespace();
      assert.equal(await isListed(services, name), false);
      const made = await namespaces.create({ name, labels: { a: '1' } });
      assert.equal(made.name, name);
      sameMap(made.labels, { a: '1' });
      sameMap((await namespaces.get(name)).labels, { a: '1' });
      assert.equal(await isListed(services, name), true);
      await refused('already_exists', () => namespaces.create({ name, labels: {} }), name);
      sameMap((await namespaces.get(name)).labels, { a: '1' });
      await namespaces.delete(name);
      assert.equal(await isListed(services, name), false);
      sameMap((await namespaces.get(name)).labels, {});
      await refused('not_found', () => namespaces.delete(name), name);
    },
  },
  {
    id: 'namespaces/that-nobody-made-have-no-labels-and-are-not-listed',
    async run({ services, namespace }) {
      const name = namespace();
      const found = await services.namespaces.get(name);
      assert.equal(found.name, name);
      sameMap(found.labels, {});
      assert.equal(await isListed(services, name), false);
    },
  },
  {
    id: 'namespaces/are-identifiers',
    async run({ services, namespace }) {
      const { namespaces } = services;
      for (const name of ['', 'a/b', '..', '__proto__', '-', 'a b', 'a\0', 'é', 'a'.repeat(77)])
        await refused('invalid_argument', () => namespaces.create({ name, labels: {} }));
      const longest = `${namespace()}${'a'.repeat(76)}`.slice(0, 76);
      await namespaces.create({ name: longest, labels: {} });
      await namespaces.delete(longest);
    },
  },
  ...kinds.map(({ name: what, needs, ...kind }) => ({
    id: `namespaces/come-into-being-with-${what}`,
    needs,
    async run({ services, namespace }: CaseContext) {
      const name = namespace();
      const at = services.scope({ namespace: name });
      assert.deepEqual(await collect(kind.list(at)), []);
      await refused('not_found', () => kind.delete(at, 'a'));
      assert.equal(await isListed(services, name), false);
      await kind.create(at, 'a');
      assert.equal(await isListed(services, name), true);
      await refused('already_exists', () => services.namespaces.create({ name, labels: {} }));
    },
  })),
  ...kinds
    .filter(({ name }) => name !== 'leases')
    .map(({ name: what, needs, ...kind }) => ({
      id: `namespaces/with-${what}-are-not-deleted`,
      needs,
      async run({ services, namespace }: CaseContext) {
        const name = namespace();
        const at = services.scope({ namespace: name });
        await kind.create(at, 'a');
        await refused('failed_precondition', () => services.namespaces.delete(name), name, what);
        assert.equal(await isListed(services, name), true);
        assert.deepEqual(await collect(kind.list(at)), ['a']);
        await kind.delete(at, 'a');
        await services.namespaces.delete(name);
        assert.equal(await isListed(services, name), false);
      },
    })),
  {
    id: 'namespaces/take-their-leases-along',
    async run({ services, namespace }) {
      const name = namespace();
      const { leases } = services.scope({ namespace: name });
      await leases.create({ id: 'l' });
      await leases.addResource('l', { type: 'ingests', id: 'a' });
      await services.namespaces.delete(name);
      assert.deepEqual(await collect(leases.list()), []);
      await leases.create({ id: 'l' });
      assert.deepEqual(await collect(leases.resources('l')), []);
    },
  },
  {
    id: 'namespaces/a-mask-names-labels-one-by-one',
    async run({ services, namespace }) {
      const { namespaces } = services;
      const name = namespace();
      await namespaces.create({ name, labels: { a: '1', 'b.c/d': '2' } });
      const update = (labels: Readonly<Record<string, string>>, paths: readonly string[]) =>
        namespaces.update({ name, labels }, paths);
      sameMap((await update({ a: 'x', 'b.c/d': '3' }, ['labels.b.c/d'])).labels, { a: '1', 'b.c/d': '3' });
      sameMap((await update({ a: '' }, ['labels.a'])).labels, { 'b.c/d': '3' });
      sameMap((await update({}, ['labels.b.c/d'])).labels, {});
      const hostile = mapOf([
        ['__proto__', 'p'],
        ['constructor', 'c'],
      ] as const);
      await update(hostile, ['labels.__proto__', 'labels.constructor']);
      sameMap((await namespaces.get(name)).labels, hostile);
      for (const path of ['labels', 'name', 'nonsense', ''])
        await refused('invalid_argument', () => update({ a: '1' }, ['labels.a', path]));
      sameMap((await namespaces.get(name)).labels, hostile);
    },
  },
  {
    id: 'namespaces/without-a-mask-all-labels-are-replaced',
    async run({ services, namespace }) {
      const { namespaces } = services;
      const name = namespace();
      await namespaces.create({ name, labels: { a: '1', b: '2' } });
      sameMap((await namespaces.update({ name, labels: { b: '', c: '3' } })).labels, { c: '3' });
      sameMap((await namespaces.get(name)).labels, { c: '3' });
    },
  },
  {
    id: 'namespaces/an-update-keeps-labels-within-their-limit',
    async run({ services, namespace }) {
      const { namespaces } = services;
      const name = namespace();
      await namespaces.create({ name, labels: { key: 'kept' } });
      const value = 'é'.repeat(2047);
      for (const paths of [['labels.key'], []]) {
        await refused('invalid_argument', () => namespaces.update({ name, labels: { key: value } }, paths));
        sameMap((await namespaces.get(name)).labels, { key: 'kept' });
      }
      await namespaces.update({ name, labels: { key: value.slice(1) } }, ['labels.key']);
      sameMap((await namespaces.get(name)).labels, { key: value.slice(1) });
    },
  },
  {
    id: 'namespaces/come-into-being-with-a-label',
    async run({ services, namespace }) {
      const name = namespace();
      await services.namespaces.update({ name, labels: { a: '1' } }, ['labels.a']);
      assert.equal(await isListed(services, name), true);
      sameMap((await services.namespaces.get(name)).labels, { a: '1' });
    },
  },
];
