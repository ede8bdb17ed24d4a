import { Fault, LABEL } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { type Mutant, TARGET, wrongly } from './mutant.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function isThere(s: Snapshotter, key: string): Promise<boolean> {
  return s.stat(key).then(
    () => true,
    () => false,
  );
}

async function kindOf(s: Snapshotter, key: string): Promise<string> {
  return s.stat(key).then(
    ({ kind }) => kind,
    () => 'missing',
  );
}

/** Passes a failure on as another. */
async function failing<T>(work: Promise<T>, as: (e: unknown) => unknown): Promise<T> {
  try {
    return await work;
  } catch (e) {
    throw as(e);
  }
}

const notFound = (e: unknown) => new Fault('not_found', (e as Error).message);
const busy = () => Promise.reject(new Fault('unavailable', 'busy'));

/** Making, committing and removing gone wrong. */
export const callMutants: readonly Mutant[] = [
  wrongly('something is there from the start', ['harness/starts-empty'], (right) => ({
    async *list(filters, options) {
      if (!(await isThere(right, 'lost+found'))) await right.prepare('lost+found', '');
      yield* right.list(filters, options);
    },
  })),
  wrongly('what is prepared is a view', ['prepare/makes-an-active-snapshot'], (right) => ({
    prepare: (...args) => right.view(...args),
  })),
  wrongly('every snapshot needs a parent', ['prepare/needs-no-parent'], (right) => ({
    async prepare(key, parent, options) {
      if (parent === '') throw new Fault('invalid_argument', 'a parent is required');
      return right.prepare(key, parent, options);
    },
  })),
  wrongly('prepare answers without mounts', ['prepare/answers-the-mounts-that-mounts-answers'], (right) => ({
    prepare: async (...args) => (await right.prepare(...args)).slice(1),
  })),
  wrongly(
    'views are active',
    [
      'view/makes-a-view',
      'commit/of-a-view-is-failed-precondition',
      'lifecycle/commit-at-every-point',
      'signal/view-given-up-midway-can-be-done-again',
    ],
    (right) => ({ view: (...args) => right.prepare(...args) }),
  ),
  wrongly(
    'every failure is not_found',
    [
      'prepare/of-a-taken-key-is-already-exists',
      'view/of-a-taken-key-is-already-exists',
      'remove/with-children-of-any-kind-is-failed-precondition',
      'lifecycle/prepare-under-its-key-at-every-point',
      'lifecycle/view-under-its-key-at-every-point',
    ],
    (right) => ({
      prepare: (...args) => failing(right.prepare(...args), notFound),
      view: (...args) => failing(right.view(...args), notFound),
      remove: (...args) => failing(right.remove(...args), notFound),
    }),
  ),
  ...(['prepare', 'view'] as const).flatMap((method) => [
    wrongly(
      `${method} takes a missing parent for none`,
      [`${method}/on-a-missing-parent-makes-nothing`, `lifecycle/${method}-on-it-at-every-point`],
      (right) => ({
        [method]: async (key: string, parent: string, options: object) =>
          right[method](key, (await isThere(right, parent)) ? parent : '', options),
      }),
    ),
    wrongly(
      `${method} takes an active parent for none`,
      [`${method}/on-a-parent-that-is-not-committed-makes-nothing`],
      (right) => ({
        [method]: async (key: string, parent: string, options: object) => {
          const kind = await kindOf(right, parent);
          return right[method](key, kind === 'active' || kind === 'view' ? '' : parent, options);
        },
      }),
    ),
    wrongly(
      `${method} checks the key and makes it in two steps`,
      [`${method}/of-one-key-at-once-succeeds-once`],
      (right) => ({
        [method]: async (key: string, parent: string, options: object) => {
          if (await isThere(right, key)) throw new Fault('already_exists', key);
          await turn();
          await right.remove(key).catch(() => {});
          return right[method](key, parent, options);
        },
      }),
    ),
    wrongly(
      `a key stays locked when ${method} is given up`,
      [`signal/${method}-given-up-midway-can-be-done-again`],
      (right) => stayingLocked(method, (key, options) => right[method](key, 'base', options)),
    ),
  ]),
  wrongly(
    'committed snapshots have mounts',
    ['mounts/of-a-committed-snapshot-is-failed-precondition', 'lifecycle/mounts-at-every-point'],
    (right) => ({
      mounts: async (key, options) =>
        (await kindOf(right, key)) === 'committed' ? [] : right.mounts(key, options),
    }),
  ),
  wrongly(
    'a key goes on after its commit',
    [
      'commit/makes-a-committed-snapshot-and-frees-the-key',
      'signal/commit-given-up-midway-can-be-done-again',
    ],
    (right) => ({
      async commit(name, key, options) {
        await right.commit(name, key, options);
        await right.prepare(key, name);
      },
    }),
  ),
  wrongly('labels outlive the commit', ['commit/takes-the-labels-given-and-none-it-had'], (right) => ({
    async commit(name, key, options) {
      const { labels } = await right.stat(key);
      await right.commit(name, key, { ...options, labels: { ...labels, ...options?.labels } });
    },
  })),
  wrongly(
    'a refused commit loses the active snapshot',
    ['commit/under-a-taken-name-keeps-the-active-one'],
    (right) => ({
      async commit(name, key, options) {
        try {
          await right.commit(name, key, options);
        } catch (e) {
          await right.remove(key).catch(() => {});
          throw e;
        }
      },
    }),
  ),
  wrongly('the commit of nothing is an empty layer', ['commit/of-a-missing-key-is-not-found'], (right) => ({
    async commit(name, key, options) {
      if (!(await isThere(right, key))) await right.prepare(key, '');
      await right.commit(name, key, options);
    },
  })),
  wrongly(
    'the commit of a committed snapshot does nothing',
    ['commit/of-a-committed-snapshot-is-failed-precondition', 'lifecycle/commit-at-every-point'],
    (right) => ({
      async commit(name, key, options) {
        if ((await kindOf(right, key)) !== 'committed') await right.commit(name, key, options);
      },
    }),
  ),
  wrongly(
    'commit checks the name and takes it in two steps',
    ['commit/at-once-under-one-name-succeeds-once'],
    (right) => ({
      async commit(name, key, options) {
        if (await isThere(right, name)) throw new Fault('already_exists', name);
        await turn();
        await right.remove(name).catch(() => {});
        await right.commit(name, key, options);
      },
    }),
  ),
  wrongly(
    'a new parent at commit is silently dropped',
    ['commit/onto-another-parent-is-refused-without-rebase'],
    (right) => ({ commit: (name, key, options) => right.commit(name, key, { labels: options?.labels }) }),
  ),
  wrongly(
    'a new parent at commit is dropped though it claims rebase',
    ['commit/onto-another-parent'],
    (right) => ({ commit: (name, key, options) => right.commit(name, key, { labels: options?.labels }) }),
    { rebase: true },
  ),
  wrongly(
    'a new parent at commit may be anything',
    ['commit/onto-a-parent-that-is-not-committed-keeps-the-active-one'],
    (right) => ({
      async commit(name, key, options) {
        const kind = await kindOf(right, options?.parent ?? '');
        await right.commit(name, key, kind === 'committed' ? options : {});
      },
    }),
    { rebase: true },
  ),
  wrongly('mounts of nothing are none', ['mounts/of-a-missing-key-is-not-found'], (right) => ({
    mounts: (...args) =>
      right.mounts(...args).catch((e) => (Fault.is(e, 'not_found') ? [] : Promise.reject(e))),
  })),
  wrongly('views cannot be removed', ['remove/takes-every-kind-and-frees-its-key'], (right) => ({
    remove: async (key, options) =>
      (await kindOf(right, key)) === 'view' ? busy() : right.remove(key, options),
  })),
  wrongly(
    'the removal of nothing succeeds',
    ['remove/of-a-missing-key-is-not-found', 'lifecycle/remove-at-every-point'],
    (right) => ({
      async remove(key, options) {
        if (await isThere(right, key)) await right.remove(key, options);
      },
    }),
  ),
  wrongly('a parent forgets all children with the first', ['remove/counts-every-child'], (right) => {
    const forgetful = new Set<string>();
    return {
      async remove(key, options) {
        const { parent } = await right.stat(key);
        if (forgetful.has(key))
          for await (const { name } of right.list([`parent==${JSON.stringify(key)}`]))
            await right.remove(name);
        await right.remove(key, options);
        forgetful.add(parent);
      },
    };
  }),
  wrongly(
    'prepare looks for its parent and takes it in two steps',
    ['remove/racing-with-a-new-child-leaves-no-child-without-a-parent'],
    (right) => ({
      async prepare(key, parent, options) {
        if (parent !== '') await right.stat(parent);
        await turn();
        return right.prepare(key, (await isThere(right, parent)) ? parent : '', options);
      },
    }),
  ),
  wrongly(
    'a key stays locked when remove is given up',
    ['signal/remove-given-up-midway-can-be-done-again'],
    (right) => stayingLocked('remove', (key, options) => right.remove(key, options)),
  ),
  wrongly('cleanup takes what is in use', ['cleanup/changes-nothing-that-can-be-seen'], (right) => ({
    async cleanup() {
      for await (const { name } of right.list(['kind==active'])) await right.remove(name);
    },
  })),
  wrongly('the lack of a cleanup is told as a failure', ['cleanup/changes-nothing-that-can-be-seen'], () => ({
    cleanup: busy,
  })),
  wrongly('a target must be there', ['targets/nobody-has-make-an-active-snapshot'], (right) => ({
    async prepare(key, parent, options) {
      const target = options?.labels?.[LABEL.snapshotRef];
      if (target !== undefined) throw new Fault('not_found', `${target}: not found`);
      return right.prepare(key, parent, options);
    },
  })),
  {
    ...wrongly(
      'a target that is committed is made again',
      ['targets/committed-before-are-already-exists'],
      () => ({}),
    ),
    subject: {
      ...wrongly('', [], () => ({})).subject,
      capabilities: new Set(['targets']),
    },
  },
  wrongly(
    'remote snapshots are not listed by their target',
    ['remote/hit-is-already-exists-and-listed-by-its-target', 'remote/hit-can-be-a-parent'],
    (right) => ({
      async *list(filters, options) {
        for await (const info of right.list(filters, options)) if (info.name !== TARGET) yield info;
      },
    }),
    { remote: new Set([TARGET]) },
  ),
  wrongly(
    'remote snapshots are there once',
    ['remote/hit-can-be-asked-for-again'],
    (right) => ({
      async prepare(key, parent, { labels = {}, ...options } = {}) {
        const { [LABEL.snapshotRef]: target = '', ...others } = labels;
        return right.prepare(key, parent, {
          ...options,
          labels: (await isThere(right, target)) ? others : labels,
        });
      },
    }),
    { remote: new Set([TARGET]) },
  ),
];

/** A method that, given up at its first pause, refuses its key for good. */
function stayingLocked(
  method: 'prepare' | 'view' | 'remove',
  call: (key: string, options: object) => Promise<unknown>,
): Partial<Snapshotter> {
  const locked = new Set<string>();
  const wrong = async (key: string, ...rest: unknown[]) => {
    const options = (rest.at(-1) ?? {}) as { readonly signal?: AbortSignal };
    if (locked.has(key)) throw new Fault('unavailable', `${key}: locked`);
    locked.add(key);
    if (options.signal !== undefined) for (let i = 0; i < 5; i++) await turn();
    options.signal?.throwIfAborted();
    locked.delete(key);
    return call(key, typeof options === 'object' ? options : {});
  };
  return { [method]: wrong };
}
