import assert from 'node:assert/strict';
import { type Kind, kinds } from '../kinds.ts';
import type { Case, ScopedServices } from '../subject.ts';
import { collect, fresh, newContainer, otherTarget, refused, target } from '../support.ts';

/** What holds of the filters of all lists alike. */
export const filterCases: readonly Case[] = [
  ...kinds.flatMap(common),
  {
    id: 'images/fields-of-filters',
    async run(context) {
      const at = fresh(context);
      const annotations = { 'org.example/note': 'yes' };
      await at.images.create({ name: 'index', target, labels: {} });
      await at.images.create({ name: 'manifest', target: { ...otherTarget, annotations }, labels: {} });
      const names = async (filter: string) =>
        (await collect(at.images.list([filter]))).map(({ name }) => name);
      assert.deepEqual(await names(`target.digest==${target.digest}`), ['index']);
      assert.deepEqual(await names(`target.digest~=|^sha256:|`), ['index', 'manifest']);
      assert.deepEqual(await names(`target.mediatype=="${otherTarget.mediaType}"`), ['manifest']);
      assert.deepEqual(await names('annotations."org.example/note"==yes'), ['manifest']);
      assert.deepEqual(await names('annotations'), []);
      for (const field of ['target', 'target.size', 'target.mediaType', 'createdat'])
        assert.deepEqual(await names(field), [], field);
    },
  },
  {
    id: 'containers/fields-of-filters',
    async run(context) {
      const at = fresh(context);
      await at.containers.create(newContainer('a', { image: 'docker.io/library/busybox:1' }));
      await at.containers.create(newContainer('b', { runtime: { name: 'io.containerd.runsc.v1' } }));
      const ids = async (filter: string) => (await collect(at.containers.list([filter]))).map(({ id }) => id);
      assert.deepEqual(await ids('image==docker.io/library/busybox:1'), ['a']);
      assert.deepEqual(await ids('image~="busybox"'), ['a']);
      assert.deepEqual(await ids('image'), ['a']);
      assert.deepEqual(await ids('image!=other'), ['a', 'b']);
      assert.deepEqual(await ids('runtime.name==io.containerd.runsc.v1'), ['b']);
      for (const field of ['runtime', 'runtime.options', 'snapshotter', 'snapshotkey', 'spec'])
        assert.deepEqual(await ids(field), [], field);
    },
  },
];

function common(kind: Kind): readonly Case[] {
  const { name: what, needs, nameField: field } = kind;
  const three = async (at: ScopedServices) => {
    await kind.create(at, 'a', { color: 'red', size: 'big' });
    await kind.create(at, 'b', { color: 'blue' });
    await kind.create(at, 'c');
  };
  return [
    {
      id: `${what}/a-filter-asks-for-all-and-several-for-any`,
      needs,
      async run(context) {
        const at = fresh(context);
        await three(at);
        const cases: ReadonlyArray<readonly [filters: readonly string[], expected: readonly string[]]> = [
          [[], ['a', 'b', 'c']],
          [[''], ['a', 'b', 'c']],
          [[`${field}==b`], ['b']],
          [[`${field}!=b`], ['a', 'c']],
          [[`${field}=="b"`], ['b']],
          [[field], ['a', 'b', 'c']],
          [['labels.color'], ['a', 'b']],
          [['labels.color==red,labels.size==big'], ['a']],
          [['labels.color==blue,labels.size==big'], []],
          [
            ['labels.color==blue', 'labels.size==big'],
            ['a', 'b'],
          ],
          [
            [`${field}==a`, `${field}==a`, `${field}==c`],
            ['a', 'c'],
          ],
          [['labels.color!=red'], ['b', 'c']],
          [['nobody'], []],
          [['nobody==a'], []],
          [['nobody!=a'], ['a', 'b', 'c']],
          [['labels'], []],
        ];
        for (const [filters, expected] of cases)
          assert.deepEqual(await collect(kind.list(at, filters)), expected, filters.join(' or '));
      },
    },
    {
      id: `${what}/regular-expressions-in-filters`,
      needs,
      async run(context) {
        const at = fresh(context);
        await three(at);
        const cases: ReadonlyArray<readonly [filter: string, expected: readonly string[]]> = [
          ['labels.color~=red|blue', ['a', 'b']],
          ['labels.color~="^bl"', ['b']],
          ['labels.color~=/^r.d$/', ['a']],
          ['labels.color~=|e$|', ['b']],
          [`${field}~=[ac]`, ['a', 'c']],
          ['labels.color~="^$"', ['c']],
          ['labels.color~="("', []],
          ['labels.color~="(?=r)"', []],
        ];
        for (const [filter, expected] of cases)
          assert.deepEqual(await collect(kind.list(at, [filter])), expected, filter);
      },
    },
    {
      id: `${what}/a-filter-that-can-not-be-read-is-refused`,
      needs,
      async run(context) {
        const at = fresh(context);
        await kind.create(at, 'a');
        for (const filter of [
          '=',
          `${field}=a`,
          `${field}==`,
          ',',
          `${field}=="a`,
          `${field}==a,`,
          'a b',
          '~=',
        ])
          await refused('invalid_argument', () => collect(kind.list(at, [field, filter])));
      },
    },
  ];
}
