import { rm } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { cases, type OpenSnapshotter, runCase } from '@stowage/snapshots-conformance';
import { MemorySnapshotter } from '@stowage/snapshots-conformance/memory';

/** A snapshotter that is right in everything but what `wrong` does. */
function broken(wrong: (right: MemorySnapshotter) => Partial<Snapshotter>): OpenSnapshotter {
  const right = new MemorySnapshotter();
  const whole: Snapshotter = {
    stat: (...args) => right.stat(...args),
    update: (...args) => right.update(...args),
    usage: (...args) => right.usage(...args),
    mounts: (...args) => right.mounts(...args),
    prepare: (...args) => right.prepare(...args),
    view: (...args) => right.view(...args),
    commit: (...args) => right.commit(...args),
    remove: (...args) => right.remove(...args),
    list: (...args) => right.list(...args),
    cleanup: (...args) => right.cleanup(...args),
  };
  return { ...whole, ...wrong(right) };
}

/** What is wrong with each, and cases that must notice. */
const mutants: Record<string, [caught: string[], wrong: (right: MemorySnapshotter) => Partial<Snapshotter>]> =
  {
    'views are active': [
      ['view/makes-a-view', 'commit/of-a-view-is-failed-precondition'],
      (right) => ({ view: (key, parent, options) => right.prepare(key, parent, options) }),
    ],
    'labels outlive the commit': [
      ['commit/takes-the-labels-given-and-none-it-had'],
      (right) => ({
        commit: async (name, key, options) => {
          const { labels } = await right.stat(key);
          await right.commit(name, key, { ...options, labels: { ...labels, ...options?.labels } });
        },
      }),
    ],
    'a refused commit loses the active snapshot': [
      ['commit/under-a-taken-name-keeps-the-active-one'],
      (right) => ({
        commit: async (name, key, options) => {
          try {
            await right.commit(name, key, options);
          } catch (e) {
            await right.remove(key).catch(() => {});
            throw e;
          }
        },
      }),
    ],
    'every failure is not_found': [
      ['prepare/of-a-taken-key-is-already-exists', 'remove/with-children-of-any-kind-is-failed-precondition'],
      (right) => {
        const lost = async <T>(work: Promise<T>) => {
          try {
            return await work;
          } catch (e) {
            throw new Fault('not_found', (e as Error).message);
          }
        };
        return {
          prepare: (...args) => lost(right.prepare(...args)),
          remove: (...args) => lost(right.remove(...args)),
        };
      },
    ],
    'messages name nothing': [
      ['harness/starts-empty', 'mounts/of-a-missing-key-is-not-found'],
      (right) => {
        const vague = async <T>(work: Promise<T>) => {
          try {
            return await work;
          } catch (e) {
            throw Fault.is(e) ? new Fault(e.kind, 'failed') : e;
          }
        };
        return {
          stat: (...args) => vague(right.stat(...args)),
          mounts: (...args) => vague(right.mounts(...args)),
        };
      },
    ],
    'filters are ignored': [
      ['list/filters-by-kind-name-parent-and-labels', 'list/by-a-malformed-filter-is-invalid-argument'],
      (right) => ({ list: (_filters, options) => right.list([], options) }),
    ],
    'only the first filter counts': [
      ['list/joins-filters-by-or-and-selectors-by-and'],
      (right) => ({ list: (filters = [], options) => right.list(filters.slice(0, 1), options) }),
    ],
    'masks are ignored': [
      ['update/of-one-label-leaves-the-others', 'update/of-anything-else-is-invalid-argument'],
      (right) => ({
        update: (key, labels, _paths, options) => right.update(key, labels, undefined, options),
      }),
    ],
    'masks are split at every dot': [
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
    ],
    'labels are copied with assignments': [
      ['labels/named-like-properties-of-every-object-are-ordinary'],
      (right) => ({
        prepare: (key, parent, options) => {
          const labels: Record<string, string> = {};
          for (const [name, value] of Object.entries(options?.labels ?? {})) labels[name] = value;
          return right.prepare(key, parent, { ...options, labels });
        },
      }),
    ],
    'keys lose their space': [
      ['keys/may-be-any-text'],
      (right) => ({
        prepare: (key, parent, options) => right.prepare(key.trim() || 'x', parent, options),
      }),
    ],
    'signals are ignored': [
      [
        'signal/stat-rejects-with-the-reason-and-holds-nothing',
        'signal/prepare-rejects-with-the-reason-and-holds-nothing',
      ],
      (right) => ({
        stat: (key) => right.stat(key),
        prepare: (key, parent, options) => right.prepare(key, parent, { labels: options?.labels }),
      }),
    ],
    'an abort is an AbortError of its own': [
      ['signal/list-rejects-with-the-reason-and-holds-nothing'],
      (right) => ({
        async *list(filters, { signal } = {}) {
          if (signal?.aborted) throw new DOMException('aborted', 'AbortError');
          yield* right.list(filters);
        },
      }),
    ],
    'mounts of a committed snapshot are told': [
      ['mounts/of-a-committed-snapshot-is-failed-precondition'],
      (right) => ({
        mounts: async (key, options) => {
          const { kind } = await right.stat(key);
          return kind === 'committed' ? [] : right.mounts(key, options);
        },
      }),
    ],
    'a new parent at commit is silently dropped': [
      ['commit/onto-another-parent-is-refused-without-rebase'],
      (right) => ({ commit: (name, key, options) => right.commit(name, key, { labels: options?.labels }) }),
    ],
    'the check for the key and the making are two steps': [
      ['prepare/of-one-key-at-once-succeeds-once'],
      (right) => ({
        prepare: async (key, parent, options) => {
          const taken = await right.stat(key).then(
            () => true,
            () => false,
          );
          if (taken) throw new Fault('already_exists', key);
          await new Promise((resolve) => setImmediate(resolve));
          await right.remove(key).catch(() => {});
          return right.prepare(key, parent, options);
        },
      }),
    ],
    'cleanup takes what is in use': [
      ['cleanup/changes-nothing-that-can-be-seen'],
      (right) => ({
        cleanup: async () => {
          for await (const { name } of right.list(['kind==active'])) await right.remove(name);
        },
      }),
    ],
  };

describe('the kit notices', () => {
  test.each(Object.entries(mutants))('%s', async (_, [caught, wrong]) => {
    for (const id of caught) {
      const one = cases.find((c) => c.id === id);
      if (one === undefined) throw new Error(`no case ${id}`);
      const subject = { name: 'mutant', capabilities: new Set([]), open: async () => broken(wrong) };
      const outcome = await runCase(one, subject).then(
        () => 'passed',
        (e: Error) => e.message,
      );
      expect({ id, outcome }).not.toEqual({ id, outcome: 'passed' });
      const [, kept] = /files kept in (.*)\)$/.exec(outcome) ?? [];
      if (kept !== undefined) await rm(kept, { recursive: true });
    }
  });
});

test('ids are unique and say what they are about', () => {
  const ids = cases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
});
