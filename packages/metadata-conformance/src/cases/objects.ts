import assert from 'node:assert/strict';
import { type Kind, kinds } from '../kinds.ts';
import type { Case } from '../subject.ts';
import { collect, fresh, refused, sameMap } from '../support.ts';

/** What holds of all objects alike. */
export const objectCases: readonly Case[] = kinds.flatMap((kind) => [
  ...common(kind),
  ...(kind.named === 'identifier' ? identifiers(kind) : texts(kind)),
]);

function common(kind: Kind): readonly Case[] {
  const { name: what, needs } = kind;
  return [
    {
      id: `${what}/are-made-found-listed-and-deleted`,
      needs,
      async run(context) {
        const at = fresh(context);
        assert.deepEqual(await collect(kind.list(at)), []);
        const before = Date.now();
        const made = await kind.create(at, 'b', { key: 'value' });
        assert.ok(Math.abs(made.createdAt.getTime() - before) < 60_000, 'it is stamped with the time');
        sameMap(made.labels, { key: 'value' });
        await kind.create(at, 'a');
        const found = await kind.find(at, 'b');
        sameMap(found?.labels ?? {}, { key: 'value' });
        assert.equal(found?.createdAt.getTime(), made.createdAt.getTime());
        assert.deepEqual(await collect(kind.list(at)), ['a', 'b']);
        await kind.delete(at, 'b');
        assert.equal(await kind.find(at, 'b'), undefined);
        assert.deepEqual(await collect(kind.list(at)), ['a']);
        await kind.create(at, 'b');
        sameMap((await kind.find(at, 'b'))?.labels ?? {}, {});
      },
    },
    {
      id: `${what}/a-second-of-a-name-already-exists-and-the-first-stays`,
      needs,
      async run(context) {
        const at = fresh(context);
        await kind.create(at, 'a', { first: 'yes' });
        await refused('already_exists', () => kind.create(at, 'a', { second: 'yes' }), 'a');
        sameMap((await kind.find(at, 'a'))?.labels ?? {}, { first: 'yes' });
      },
    },
    {
      id: `${what}/absent-is-not-found-and-named`,
      needs,
      async run(context) {
        const at = fresh(context);
        await refused('not_found', () => kind.delete(at, 'nobody'), 'nobody');
        await kind.create(at, 'a');
        await refused('not_found', () => kind.delete(at, 'nobody'), 'nobody');
        await refused('not_found', () => kind.delete(at, ''));
        const { editable } = kind;
        if (editable === undefined) return;
        await refused('not_found', () => editable.get(at, 'nobody'), 'nobody');
        await refused('not_found', () => editable.get(at, ''));
        await refused('not_found', () => editable.update(at, 'nobody', {}, ['labels']), 'nobody');
        await refused('not_found', () => editable.update(at, 'nobody', {}, []), 'nobody');
      },
    },
    {
      id: `${what}/of-one-namespace-are-unseen-in-another`,
      needs,
      async run(context) {
        const [mine, theirs] = [fresh(context), fresh(context)];
        await kind.create(mine, 'a', { whose: 'mine' });
        await kind.create(mine, 'only-mine');
        await kind.create(theirs, 'a', { whose: 'theirs' });
        assert.deepEqual(await collect(kind.list(theirs)), ['a']);
        assert.deepEqual(await collect(kind.list(theirs, ['labels.whose==mine'])), []);
        assert.equal(await kind.find(theirs, 'only-mine'), undefined);
        await refused('not_found', () => kind.delete(theirs, 'only-mine'));
        const { editable } = kind;
        if (editable !== undefined) {
          await refused('not_found', () => editable.get(theirs, 'only-mine'));
          await refused('not_found', () => editable.update(theirs, 'only-mine', {}, ['labels']));
          await editable.update(theirs, 'a', { whose: 'changed' }, ['labels.whose']);
        }
        await kind.delete(theirs, 'a');
        sameMap((await kind.find(mine, 'a'))?.labels ?? {}, { whose: 'mine' });
        assert.deepEqual(await collect(kind.list(mine)), ['a', 'only-mine']);
      },
    },
    {
      id: `${what}/need-a-namespace-that-is-an-identifier`,
      needs,
      async run({ services }) {
        for (const [namespace, why] of [
          ['', 'failed_precondition'],
          ['a/b', 'invalid_argument'],
          ['..', 'invalid_argument'],
          ['a'.repeat(77), 'invalid_argument'],
        ] as const) {
          const at = () => services.scope({ namespace });
          await refused(why, async () => kind.create(at(), 'a'));
          await refused(why, async () => kind.delete(at(), 'a'));
          await refused(why, async () => collect(kind.list(at())));
        }
      },
    },
    {
      id: `${what}/are-there-after-a-reopen`,
      needs: [...(needs ?? []), 'reopen'],
      async run({ services, namespace, reopen }) {
        const own = namespace();
        const made = await kind.create(services.scope({ namespace: own }), 'a', { key: 'value' });
        await kind.create(services.scope({ namespace: own }), 'gone');
        await kind.delete(services.scope({ namespace: own }), 'gone');
        const at = (await reopen()).scope({ namespace: own });
        assert.deepEqual(await collect(kind.list(at)), ['a']);
        const found = await kind.find(at, 'a');
        sameMap(found?.labels ?? {}, { key: 'value' });
        assert.equal(found?.createdAt.getTime(), made.createdAt.getTime());
        assert.equal(found?.updatedAt?.getTime(), made.updatedAt?.getTime());
      },
    },
  ];
}

function identifiers(kind: Kind): readonly Case[] {
  const { name: what, needs } = kind;
  return [
    {
      id: `${what}/an-id-of-76-characters-passes-of-77-does-not`,
      needs,
      async run(context) {
        const at = fresh(context);
        for (const length of [1, 75, 76]) await kind.create(at, 'a'.repeat(length));
        await refused('invalid_argument', () => kind.create(at, 'a'.repeat(77)));
        assert.equal((await collect(kind.list(at))).length, 3);
      },
    },
    {
      id: `${what}/an-id-is-an-identifier`,
      needs,
      async run(context) {
        const at = fresh(context);
        const good = ['0', 'A.b-c_d', 'constructor', 'k8s.io', 'toString'];
        for (const id of good) await kind.create(at, id);
        assert.deepEqual(await collect(kind.list(at)), good);
        for (const id of [
          '',
          '.',
          '..',
          '../a',
          'a/b',
          'a..b',
          '-a',
          'a-',
          '_',
          '__proto__',
          'a b',
          'a\0',
          'é',
          'a\n',
        ])
          await refused('invalid_argument', () => kind.create(at, id));
        assert.deepEqual(await collect(kind.list(at)), good);
      },
    },
  ];
}

/** The last two are one word in two Unicode forms, which are two names. */
const TEXTS = [
  ' ',
  '%2F',
  '..',
  '../../etc/passwd',
  '/',
  '__proto__',
  'a\0b',
  'a/',
  'a/b',
  'constructor',
  'v1/!meta',
  'x'.repeat(1000),
  'e\u0301t\u00e9'.normalize('NFD'),
  'e\u0301t\u00e9'.normalize('NFC'),
];

function texts(kind: Kind): readonly Case[] {
  const { name: what, needs } = kind;
  return [
    {
      id: `${what}/a-name-is-any-text`,
      needs,
      async run(context) {
        const at = fresh(context);
        for (const name of TEXTS) await kind.create(at, name, { name: [...name].slice(0, 9).join('') });
        const byBytes = TEXTS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        assert.deepEqual(await collect(kind.list(at)), byBytes);
        for (const [i, name] of TEXTS.entries()) {
          sameMap((await kind.find(at, name))?.labels ?? {}, { name: [...name].slice(0, 9).join('') });
          await kind.delete(at, name);
          assert.equal((await collect(kind.list(at))).length, TEXTS.length - i - 1);
        }
      },
    },
  ];
}
