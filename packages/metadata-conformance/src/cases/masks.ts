import assert from 'node:assert/strict';
import { editableKinds } from '../kinds.ts';
import type { Case, CaseContext } from '../subject.ts';
import { fresh, refused, sameMap } from '../support.ts';

const KEY = 'containerd.io/gc.ref.content.l.0';

/** What holds of updates of all objects alike. */
export const maskCases: readonly Case[] = editableKinds.flatMap(({ name: what, needs, ...kind }) => [
  {
    id: `${what}/a-mask-path-splits-at-its-first-dot`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      await kind.create(at, 'a', { [KEY]: '1', containerd: 'x', 'containerd.io/gc': 'y' });
      const next = { [KEY]: '2', containerd: 'new', 'containerd.io/gc': 'new' };
      const expected = { [KEY]: '2', containerd: 'x', 'containerd.io/gc': 'y' };
      sameMap((await kind.update(at, 'a', next, [`labels.${KEY}`])).labels, expected);
      sameMap((await kind.get(at, 'a')).labels, expected);
    },
  },
  {
    id: `${what}/a-label-is-deleted-by-an-empty-or-missing-value`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      await kind.create(at, 'a', { a: '1', b: '2', c: '3' });
      sameMap((await kind.update(at, 'a', { a: '', b: 'new' }, ['labels.a'])).labels, { b: '2', c: '3' });
      sameMap((await kind.update(at, 'a', {}, ['labels.b'])).labels, { c: '3' });
      sameMap((await kind.update(at, 'a', {}, ['labels.absent'])).labels, { c: '3' });
      sameMap((await kind.update(at, 'a', { c: '', d: '4' }, ['labels'])).labels, { d: '4' });
      sameMap((await kind.get(at, 'a')).labels, { d: '4' });
      sameMap((await kind.update(at, 'a', {}, ['labels'])).labels, {});
    },
  },
  {
    id: `${what}/several-paths-apply-in-turn`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      await kind.create(at, 'a', { a: '1', b: '2', c: '3' });
      sameMap((await kind.update(at, 'a', { a: 'x', b: 'y', c: 'z' }, ['labels.a', 'labels.b'])).labels, {
        a: 'x',
        b: 'y',
        c: '3',
      });
      sameMap((await kind.update(at, 'a', { d: '4' }, ['labels', 'labels.a'])).labels, { d: '4' });
    },
  },
  {
    id: `${what}/an-unknown-path-is-refused-and-nothing-changes`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      const made = await kind.create(at, 'a', { a: '1' });
      for (const path of [
        'nonsense',
        'label',
        'Labels',
        'created_at',
        'createdat',
        'id',
        'name',
        '',
        'spec.x',
      ])
        await refused('invalid_argument', () => kind.update(at, 'a', { a: '2' }, ['labels.a', path]));
      const found = await kind.get(at, 'a');
      sameMap(found.labels, { a: '1' });
      assert.equal(found.updatedAt?.getTime(), made.createdAt.getTime());
    },
  },
  {
    id: `${what}/without-a-mask-all-labels-are-replaced`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      await kind.create(at, 'a', { a: '1', b: '2' });
      sameMap((await kind.update(at, 'a', { b: '', c: '3' }, [])).labels, { c: '3' });
      sameMap((await kind.get(at, 'a')).labels, { c: '3' });
    },
  },
  {
    id: `${what}/an-update-keeps-when-it-was-made-and-tells-when-it-changed`,
    needs,
    async run(context: CaseContext) {
      const at = fresh(context);
      const made = await kind.create(at, 'a');
      assert.equal(made.updatedAt?.getTime(), made.createdAt.getTime());
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const paths of [['labels'], []]) {
        const updated = await kind.update(at, 'a', { a: '1' }, paths);
        assert.equal(updated.createdAt.getTime(), made.createdAt.getTime());
        assert.ok((updated.updatedAt?.getTime() ?? 0) > made.createdAt.getTime());
        assert.equal((await kind.get(at, 'a')).updatedAt?.getTime(), updated.updatedAt?.getTime());
      }
    },
  },
]);
