import assert from 'node:assert/strict';
import { Fault, type FaultKind, reasonOf, unlessGone } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import type { Case } from '../subject.ts';
import { commitLayer } from '../support.ts';

/** What a name can stand for in the life of a snapshot. */
type State = 'active' | 'view' | 'committed' | 'removed';

/** How a call must end: by success, or by a Fault of one of these kinds. */
type Ends = 'ok' | readonly FaultKind[];

interface Operation {
  /** As the case is named. */
  readonly name: string;
  call(s: Snapshotter, key: string): Promise<unknown>;
  readonly ends: Readonly<Record<State, Ends>>;
}

const OK = { active: 'ok', view: 'ok', committed: 'ok' } as const;
const MISSING: readonly FaultKind[] = ['not_found'];
const TAKEN: readonly FaultKind[] = ['already_exists'];
const REFUSED: readonly FaultKind[] = ['failed_precondition'];
/** containerd core/snapshots/storage createSnapshot tells both apart, its proxies do not. */
const NO_PARENT: readonly FaultKind[] = ['not_found', 'invalid_argument'];

const operations: readonly Operation[] = [
  { name: 'stat', call: (s, key) => s.stat(key), ends: { ...OK, removed: MISSING } },
  { name: 'update', call: (s, key) => s.update(key, { a: '1' }), ends: { ...OK, removed: MISSING } },
  { name: 'usage', call: (s, key) => s.usage(key), ends: { ...OK, removed: MISSING } },
  {
    name: 'mounts',
    call: (s, key) => s.mounts(key),
    ends: { ...OK, committed: REFUSED, removed: MISSING },
  },
  {
    name: 'commit',
    call: (s, key) => s.commit('new', key),
    // A committed snapshot has no key any more, if one looks at it that way.
    ends: {
      active: 'ok',
      view: REFUSED,
      committed: ['failed_precondition', 'not_found'],
      removed: MISSING,
    },
  },
  { name: 'remove', call: (s, key) => s.remove(key), ends: { ...OK, removed: MISSING } },
  ...(['prepare', 'view'] as const).flatMap((method): Operation[] => [
    {
      name: `${method}-on-it`,
      call: (s, key) => s[method]('new', key),
      ends: { active: NO_PARENT, view: NO_PARENT, committed: 'ok', removed: NO_PARENT },
    },
    {
      name: `${method}-under-its-key`,
      call: (s, key) => s[method](key, ''),
      ends: { active: TAKEN, view: TAKEN, committed: TAKEN, removed: 'ok' },
    },
  ]),
];

const makers: Readonly<Record<State, (s: Snapshotter, key: string) => Promise<unknown>>> = {
  active: (s, key) => s.prepare(key, 'below'),
  view: (s, key) => s.view(key, 'below'),
  committed: (s, key) => commitLayer(s, key, 'below'),
  async removed(s, key) {
    await s.prepare(key, 'below');
    await s.remove(key);
  },
};

/** Every operation on a name at every point of its life. */
export const lifecycleCases: readonly Case[] = operations.map(({ name, call, ends }) => ({
  id: `lifecycle/${name}-at-every-point`,
  async run({ snapshotter: s }) {
    await commitLayer(s, 'below');
    for (const state of Object.keys(makers) as State[]) {
      const key = `k ${state}`;
      await makers[state](s, key);
      const failure = await call(s, key).then(
        () => undefined,
        (e: unknown) => e ?? new Error('it failed with nothing'),
      );
      const expected = ends[state];
      const got = failure === undefined ? 'ok' : Fault.is(failure) ? failure.kind : 'no Fault';
      const wanted: readonly string[] = expected === 'ok' ? ['ok'] : expected;
      const why = failure === undefined ? '' : ` (${reasonOf(failure)})`;
      assert.ok(wanted.includes(got), `${state}: expected ${wanted.join(' or ')}, got ${got}${why}`);
      if (failure === undefined) await unlessGone(s.remove('new'));
    }
  },
}));
