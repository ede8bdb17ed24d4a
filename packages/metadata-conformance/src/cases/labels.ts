import assert from 'node:assert/strict';
import type { Labels } from '@stowage/core';
import { editableKinds, type Kind, kinds } from '../kinds.ts';
import type { Case, CaseContext } from '../subject.ts';
import { collect, fresh, mapOf, refused, sameMap } from '../support.ts';

/** Something with labels, made anew: an object of any kind, or a namespace. */
interface Bearer {
  create(labels: Labels): Promise<Labels>;
  read(): Promise<Labels>;
}

/** Key and value of so many bytes together, in characters of one, two, three and four bytes. */
const SIZES: ReadonlyArray<readonly [name: string, of: (bytes: number) => readonly [string, string]]> = [
  ['ASCII', (bytes) => ['key', 'v'.repeat(bytes - 3)]],
  ['the key', (bytes) => ['k'.repeat(bytes - 1), 'v']],
  ['é', (bytes) => [bytes % 2 === 0 ? 'k' : 'kk', `v${'é'.repeat(Math.floor((bytes - 2) / 2))}`]],
  ['猫', (bytes) => ['k'.repeat(((bytes - 1) % 3) + 1), '猫'.repeat(Math.floor((bytes - 1) / 3))]],
  ['🐱', (bytes) => ['k'.repeat(((bytes - 1) % 4) + 1), '🐱'.repeat(Math.floor((bytes - 1) / 4))]],
];

/** Keys that a map of JavaScript, a mask, a filter or a database might take for something else. */
const KEYS = [
  '__proto__',
  'a',
  'a.b/c',
  'a\0b',
  'constructor',
  'containerd.io/gc.ref.content.0',
  'fooBar',
  'toString',
  'u\u0308'.normalize('NFC'),
  'u\u0308'.normalize('NFD'),
];
const HOSTILE = mapOf<string>(KEYS.map((key, i) => [key, String(i)]));

export const labelCases: readonly Case[] = [
  ...kinds.flatMap((kind) => of(kind.name, kind.needs, (context) => object(kind, context))),
  ...of('namespaces', undefined, ({ services, namespace }) => {
    const name = namespace();
    return {
      create: async (labels) => (await services.namespaces.create({ name, labels })).labels,
      read: async () => (await services.namespaces.get(name)).labels,
    };
  }),
  ...kinds.map(filterCase),
  ...editableKinds.map(({ name: what, needs, ...kind }) => ({
    id: `${what}/label-keys-in-masks-are-any-text`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      await kind.create(at, 'a', HOSTILE);
      const left = new Map<string, string>(Object.entries(HOSTILE));
      for (const key of KEYS) {
        await kind.update(at, 'a', mapOf([[key, 'new']]), [`labels.${key}`]);
        left.set(key, 'new');
        sameMap((await kind.get(at, 'a')).labels, mapOf([...left]));
      }
      for (const key of KEYS) {
        await kind.update(at, 'a', {}, [`labels.${key}`]);
        left.delete(key);
        sameMap((await kind.get(at, 'a')).labels, mapOf([...left]));
      }
    },
  })),
  ...editableKinds.map(({ name: what, needs, ...kind }) => ({
    id: `${what}/an-update-keeps-labels-within-their-limit`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      await kind.create(at, 'a', { key: 'kept' });
      const [key, value] = ['key', 'é'.repeat(2047)];
      for (const paths of [['labels'], ['labels.key'], []]) {
        await refused('invalid_argument', () => kind.update(at, 'a', { [key]: value }, paths), key);
        sameMap((await kind.get(at, 'a')).labels, { key: 'kept' });
      }
      await kind.update(at, 'a', { [key]: value.slice(1) }, ['labels.key']);
    },
  })),
];

function of(what: string, needs: Case['needs'], bearer: (context: CaseContext) => Bearer): readonly Case[] {
  return [
    {
      id: `${what}/a-label-of-4096-bytes-passes-of-4097-does-not`,
      needs,
      async run(context) {
        for (const [name, size] of SIZES) {
          for (const bytes of [4095, 4096, 4097]) {
            const [key, value] = size(bytes);
            assert.equal(Buffer.byteLength(key + value), bytes, name);
            const make = () => bearer(context).create({ [key]: value });
            if (bytes > 4096) await refused('invalid_argument', make);
            else sameMap(await make(), { [key]: value });
          }
        }
      },
    },
    {
      id: `${what}/each-label-counts-for-itself`,
      needs,
      async run(context) {
        const labels = { a: 'x'.repeat(4000), b: 'y'.repeat(4000), c: 'z'.repeat(4000) };
        const one = bearer(context);
        await one.create(labels);
        sameMap(await one.read(), labels);
      },
    },
    {
      id: `${what}/an-empty-label-is-none`,
      needs,
      async run(context) {
        const one = bearer(context);
        await one.create({ a: '1', empty: '' });
        sameMap(await one.read(), { a: '1' });
      },
    },
    {
      id: `${what}/label-keys-are-any-text`,
      needs,
      async run(context) {
        const one = bearer(context);
        sameMap(await one.create(HOSTILE), HOSTILE);
        sameMap(await one.read(), HOSTILE);
      },
    },
  ];
}

function object(kind: Kind, context: CaseContext): Bearer {
  const at = fresh(context);
  return {
    create: async (labels) => (await kind.create(at, 'a', labels)).labels,
    read: async () => (await kind.find(at, 'a'))?.labels ?? {},
  };
}

function filterCase(kind: Kind): Case {
  return {
    id: `${kind.name}/label-keys-in-filters-are-any-text`,
    needs: kind.needs,
    async run(context) {
      const at = fresh(context);
      await kind.create(at, 'a', HOSTILE);
      await kind.create(at, 'b');
      for (const [i, key] of KEYS.entries()) {
        const quoted = `labels."${key.replaceAll('\0', '\\x00')}"`;
        assert.deepEqual(await collect(kind.list(at, [`${quoted}==${i}`])), ['a'], key);
        assert.deepEqual(await collect(kind.list(at, [quoted])), ['a'], key);
        assert.deepEqual(await collect(kind.list(at, [`${quoted}!=${i}`])), ['b'], key);
      }
      assert.deepEqual(await collect(kind.list(at, ['labels.constructor==4'])), ['a']);
      assert.deepEqual(await collect(kind.list(at, ['labels.hasOwnProperty'])), []);
    },
  };
}
