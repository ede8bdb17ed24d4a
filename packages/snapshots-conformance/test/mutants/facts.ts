import { Fault, type Labels } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { cases } from '@stowage/snapshots-conformance';
import { type Mutant, type Wrong, wrongly } from './mutant.ts';

const METHODS = [
  'stat',
  'update',
  'usage',
  'mounts',
  'prepare',
  'view',
  'commit',
  'remove',
  'list',
  'cleanup',
] as const;

/** A method that takes no notice of signals. */
const deaf =
  (method: (typeof METHODS)[number]): Wrong =>
  (right) => ({
    [method]: (...args: unknown[]) => {
      const others = args.map((arg) =>
        typeof arg === 'object' && arg !== null && 'signal' in arg ? { ...arg, signal: undefined } : arg,
      );
      return (right[method] as (...args: unknown[]) => unknown)(...others);
    },
  });

const unsigned = (method: (typeof METHODS)[number]): Wrong => {
  const wrong = deaf(method);
  return (right) => wrong(new Proxy(right, { get: bound }));
};

function bound(target: Snapshotter, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target);
  return typeof member === 'function' ? member.bind(target) : member;
}

async function view<T>(s: Snapshotter, key: string, or: () => Promise<T>): Promise<T> {
  if ((await s.stat(key)).kind === 'view') throw new Fault('unavailable', `${key}: is a view`);
  return or();
}

const vague = (e: unknown) => Promise.reject(Fault.is(e) ? new Fault(e.kind, 'failed') : e);

/** What is told of snapshots, and labels, filters, keys and signals. */
export const factMutants: readonly Mutant[] = [
  wrongly('views cannot be asked about', ['lifecycle/stat-at-every-point'], (right) => ({
    stat: async (key, options) => view(right, key, () => right.stat(key, options)),
  })),
  wrongly('views keep no labels', ['lifecycle/update-at-every-point'], (right) => ({
    update: (key, ...args) => view(right, key, () => right.update(key, ...args)),
  })),
  wrongly('views have no usage', ['lifecycle/usage-at-every-point'], (right) => ({
    usage: (key, options) => view(right, key, () => right.usage(key, options)),
  })),
  wrongly('the usage of views is -1', ['usage/of-every-kind-is-never-negative'], (right) => ({
    async usage(key, options) {
      const usage = await right.usage(key, options);
      return (await right.stat(key)).kind === 'view' ? { ...usage, sizeBytes: -1n } : usage;
    },
  })),
  wrongly('the usage of nothing is 0', ['usage/of-a-missing-key-is-not-found'], () => ({
    usage: async () => ({ sizeBytes: 0n, inodes: 0n }),
  })),
  wrongly('an update without paths adds', ['update/without-paths-replaces-all-labels'], (right) => ({
    async update(key, labels, paths, options) {
      if (paths !== undefined) return right.update(key, labels, paths, options);
      return right.update(key, { ...(await right.stat(key)).labels, ...labels }, undefined, options);
    },
  })),
  wrongly('an update of labels adds', ['update/of-labels-replaces-all-labels'], (right) => ({
    async update(key, labels, paths, options) {
      if (paths?.[0] !== 'labels') return right.update(key, labels, paths, options);
      return right.update(key, { ...(await right.stat(key)).labels, ...labels }, paths, options);
    },
  })),
  wrongly(
    'masks are ignored',
    ['update/of-one-label-leaves-the-others', 'update/of-anything-else-is-invalid-argument'],
    (right) => ({ update: (key, labels, _paths, options) => right.update(key, labels, undefined, options) }),
  ),
  wrongly('labels cannot be deleted', ['update/with-an-empty-value-deletes'], (right) => ({
    async update(key, labels, paths, options) {
      const before = (await right.stat(key)).labels;
      const kept = Object.fromEntries(Object.entries(before).filter(([name]) => labels[name] === ''));
      return right.update(key, { ...labels, ...kept }, paths, options);
    },
  })),
  wrongly(
    'masks are split at every dot',
    ['update/takes-label-keys-with-dots-slashes-and-capitals'],
    (right) => ({
      update: (key, labels, paths, options) =>
        right.update(
          key,
          labels,
          paths?.map((path) => path.split('.').slice(0, 2).join('.')),
          options,
        ),
    }),
  ),
  wrongly('an update of nothing makes it', ['update/of-a-missing-key-is-not-found'], (right) => ({
    async update(key, ...args) {
      await right.stat(key).catch(() => right.prepare(key, ''));
      return right.update(key, ...args);
    },
  })),
  wrongly('the time of update stands still', ['update/changes-the-time-of-update-only'], (right) => ({
    async update(...args) {
      const info = await right.update(...args);
      return { ...info, updatedAt: info.createdAt };
    },
  })),
  wrongly(
    'labels are copied with assignments',
    ['labels/named-like-properties-of-every-object-are-ordinary'],
    (right) => ({
      prepare: (key, parent, options) => {
        const labels: Record<string, string> = {};
        for (const [name, value] of Object.entries(options?.labels ?? {})) labels[name] = value;
        return right.prepare(key, parent, { ...options, labels });
      },
    }),
  ),
  wrongly('labels with an empty value are kept', ['labels/with-an-empty-value-are-not-there'], (right) => {
    const filled = (labels: Labels = {}) =>
      Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, value || ' ']));
    return {
      prepare: (key, parent, options) =>
        right.prepare(key, parent, { ...options, labels: filled(options?.labels) }),
    };
  }),
  wrongly(
    'labels that are too long are dropped',
    ['labels/over-4096-bytes-are-invalid-argument'],
    (right) => ({
      async prepare(key, parent, options) {
        try {
          return await right.prepare(key, parent, options);
        } catch (e) {
          if (!Fault.is(e, 'invalid_argument')) throw e;
          return right.prepare(key, parent);
        }
      },
    }),
  ),
  wrongly('a list leaves the parents out', ['list/tells-what-stat-tells'], (right) => ({
    async *list(...args) {
      for await (const info of right.list(...args)) yield { ...info, parent: '' };
    },
  })),
  wrongly(
    'filters are ignored',
    ['list/filters-by-kind-name-parent-and-labels', 'list/by-a-malformed-filter-is-invalid-argument'],
    (right) => ({ list: (_filters, options) => right.list([], options) }),
  ),
  wrongly('the first filter is the only one', ['list/joins-filters-by-or-and-selectors-by-and'], (right) => ({
    list: (filters = [], options) => right.list(filters.slice(0, 1), options),
  })),
  wrongly('unknown fields match', ['list/by-an-unknown-field-finds-nothing'], (right) => ({
    list: (filters = [], options) =>
      right.list(
        filters.filter((filter) => !filter.startsWith('nonsense')),
        options,
      ),
  })),
  wrongly('a list that was left early stays open', ['list/can-be-left-early-and-again'], (right) => {
    let open = 0;
    return {
      async *list(...args) {
        if (open > 1) throw new Fault('resource_exhausted', 'too many lists are open');
        open++;
        yield* right.list(...args);
        open--;
      },
    };
  }),
  wrongly(
    'a list begins again when something changed',
    ['list/goes-on-while-snapshots-come-and-go'],
    (right) => ({
      async *list(filters, options) {
        const before = (await Array.fromAsync(right.list(filters, options))).length;
        let told = 0;
        for await (const info of right.list(filters, options)) {
          yield info;
          if (++told < 4) continue;
          if ((await Array.fromAsync(right.list(filters, options))).length !== before) break;
        }
        if (told < before) yield* right.list(filters, options);
      },
    }),
  ),
  wrongly('a list ends after a page', ['list/longer-than-a-page-is-whole'], (right) => ({
    async *list(...args) {
      let told = 0;
      for await (const info of right.list(...args)) if (told++ < 100) yield info;
    },
  })),
  wrongly('keys lose their space', ['keys/may-be-any-text'], (right) => ({
    prepare: (key, parent, options) => right.prepare(key.trim() || 'x', parent, options),
  })),
  wrongly('an empty key is as good as any', ['keys/must-not-be-empty'], (right) => ({
    prepare: (key, parent, options) => right.prepare(key || 'nameless', parent, options),
  })),
  wrongly(
    'messages name nothing',
    cases.map(({ id }) => id).filter((id) => id.startsWith('messages/')),
    (right) => ({
      stat: (...args) => right.stat(...args).catch(vague),
      update: (...args) => right.update(...args).catch(vague),
      usage: (...args) => right.usage(...args).catch(vague),
      mounts: (...args) => right.mounts(...args).catch(vague),
      prepare: (...args) => right.prepare(...args).catch(vague),
      commit: (...args) => right.commit(...args).catch(vague),
      remove: (...args) => right.remove(...args).catch(vague),
    }),
  ),
  ...METHODS.map((method) =>
    wrongly(
      `${method} takes no notice of signals`,
      [`signal/${method}-rejects-with-the-reason-and-holds-nothing`],
      unsigned(method),
    ),
  ),
  wrongly(
    'aborts are AbortErrors of its own',
    ['signal/list-rejects-with-the-reason-and-holds-nothing'],
    (right) => ({
      async *list(filters, { signal } = {}) {
        if (signal?.aborted) throw new DOMException('aborted', 'AbortError');
        yield* right.list(filters);
      },
    }),
  ),
];
