import type { Labels } from '@stowage/core';
import type { LeaseResource } from '@stowage/leases';
import type { MetadataView } from '@stowage/metadata';
import { type History, IMPOSSIBLE, type State, type Step } from './history.ts';
import { blobOf, newContainer, newSandbox, target } from './setting.ts';

const TARGETS = [target, { ...blobOf('other'), mediaType: target.mediaType }] as const;

/** One call on one object, chosen by `dice`. `token` is a value that no other call uses. */
export type Call = (at: MetadataView, id: string, dice: () => number, token: string) => Promise<void>;

interface Parts {
  readonly labels: Labels;
  /** Digest of an image's target. */
  readonly digest?: string;
  /** What a lease holds. */
  readonly held?: readonly string[];
}

function stateOf({ labels, digest = '', held = [] }: Parts): string {
  return JSON.stringify([Object.entries(labels).sort(), digest, [...new Set(held)].sort()]);
}

function partsOf(state: string): Required<Parts> {
  const [labels, digest, held] = JSON.parse(state) as [Array<[string, string]>, string, string[]];
  return { labels: Object.fromEntries(labels), digest, held };
}

/** Only an object that is there can have been seen; `next` says what becomes of it. */
const there =
  (next: (parts: Required<Parts>) => Parts | undefined | typeof IMPOSSIBLE): Step =>
  (state) => {
    if (state === undefined) return IMPOSSIBLE;
    const after = next(partsOf(state));
    return after === IMPOSSIBLE || after === undefined ? after : stateOf(after);
  };
const stays = there((parts) => parts);
const goes = there(() => undefined);
const absent: Step = (state) => (state === undefined ? state : IMPOSSIBLE);
const appears =
  (parts: Parts): Step =>
  (state) =>
    state === undefined ? stateOf(parts) : IMPOSSIBLE;

/** An answer shows an object as it is after the call. */
const shows = (answer: Parts, next: (parts: Required<Parts>) => Parts = (parts) => parts): Step =>
  there((parts) => {
    const after = next(parts);
    const seen = { digest: parts.digest, held: parts.held, ...answer };
    return stateOf(after) === stateOf(seen) ? after : IMPOSSIBLE;
  });

function pick<T>(options: readonly [T, ...T[]], dice: () => number): T {
  return options[dice() % options.length] as T;
}

/** Calls on images. Their targets change too, and deletes may ask for one. */
export function imageCalls(history: History): readonly Call[] {
  const object = (id: string) => `image ${id}`;
  return [
    ({ images }, name, dice, token) => {
      const made = { name, target: pick(TARGETS, dice), labels: { a: token } };
      return history.record(object(name), `create ${token}`, () => images.create(made), {
        ok: () => appears({ labels: made.labels, digest: made.target.digest }),
        already_exists: stays,
      });
    },
    ({ images }, name) =>
      history.record(object(name), 'delete', () => images.delete(name), {
        ok: () => goes,
        not_found: absent,
      }),
    ({ images }, name, dice) => {
      const { digest } = pick(TARGETS, dice);
      const elsewhere: Step = (state) =>
        state === undefined || partsOf(state).digest !== digest ? state : IMPOSSIBLE;
      return history.record(
        object(name),
        `delete at ${digest}`,
        () => images.delete(name, { target: { digest } }),
        {
          ok: () => there((parts) => (parts.digest === digest ? undefined : IMPOSSIBLE)),
          not_found: elsewhere,
        },
      );
    },
    ({ images }, name, dice, token) => {
      const key = pick(['a', 'b'], dice);
      const change = { name, labels: { [key]: token, unnamed: token } };
      return history.record(
        object(name),
        `update ${key} ${token}`,
        () => images.update(change, [`labels.${key}`]),
        {
          ok: ({ labels }) =>
            shows({ labels }, (parts) => ({ ...parts, labels: { ...parts.labels, [key]: token } })),
          not_found: absent,
        },
      );
    },
    ({ images }, name, dice) => {
      const to = pick(TARGETS, dice);
      return history.record(
        object(name),
        `retarget ${to.digest}`,
        () => images.update({ name, target: to }, ['target']),
        {
          ok: ({ labels, target: { digest } }) =>
            shows({ labels, digest }, (parts) => ({ ...parts, digest: to.digest })),
          not_found: absent,
        },
      );
    },
    ({ images }, name) =>
      history.record(object(name), 'get', () => images.get(name), {
        ok: ({ labels, target: { digest } }) => shows({ labels, digest }),
        not_found: absent,
      }),
  ];
}

interface LabelledStore {
  create(id: string, labels: Labels): Promise<unknown>;
  update(id: string, labels: Labels, paths: readonly string[]): Promise<{ readonly labels: Labels }>;
  get(id: string): Promise<{ readonly labels: Labels }>;
  delete(id: string): Promise<void>;
}

/** Calls on containers and on sandboxes, which are alike. */
export function containerCalls(history: History, what: 'containers' | 'sandboxes'): readonly Call[] {
  const object = (id: string) => `${what} ${id}`;
  const store = (at: MetadataView): LabelledStore =>
    what === 'containers'
      ? {
          create: (id: string, labels: Labels) => at.containers.create(newContainer(id, { labels })),
          update: (id: string, labels: Labels, paths: readonly string[]) =>
            at.containers.update(newContainer(id, { labels }), paths),
          get: (id: string) => at.containers.get(id),
          delete: (id: string) => at.containers.delete(id),
        }
      : {
          create: (id: string, labels: Labels) => at.sandboxes.create(newSandbox(id, { labels })),
          update: (id: string, labels: Labels, paths: readonly string[]) =>
            at.sandboxes.update(newSandbox(id, { labels }), paths),
          get: (id: string) => at.sandboxes.get(id),
          delete: (id: string) => at.sandboxes.delete(id),
        };
  return [
    (at, id, _, token) =>
      history.record(object(id), `create ${token}`, () => store(at).create(id, { a: token }), {
        ok: () => appears({ labels: { a: token } }),
        already_exists: stays,
      }),
    (at, id) =>
      history.record(object(id), 'delete', () => store(at).delete(id), { ok: () => goes, not_found: absent }),
    (at, id, dice, token) => {
      const key = pick(['a', 'b'], dice);
      return history.record(
        object(id),
        `update ${key} ${token}`,
        () => store(at).update(id, { [key]: token }, [`labels.${key}`]),
        {
          ok: ({ labels }) => shows({ labels }, (parts) => ({ labels: { ...parts.labels, [key]: token } })),
          not_found: absent,
        },
      );
    },
    (at, id, _, token) =>
      history.record(object(id), `replace ${token}`, () => store(at).update(id, { c: token }, []), {
        ok: ({ labels }) => shows({ labels }, () => ({ labels: { c: token } })),
        not_found: absent,
      }),
    (at, id) =>
      history.record(object(id), 'get', () => store(at).get(id), {
        ok: ({ labels }) => shows({ labels }),
        not_found: absent,
      }),
  ];
}

/** Calls on leases and on what they hold. */
export function leaseCalls(history: History): readonly Call[] {
  const object = (id: string) => `lease ${id}`;
  const resource = (dice: () => number): LeaseResource => ({
    type: 'images',
    id: pick(['x', 'y', 'z'], dice),
  });
  return [
    ({ leases }, id, _, token) =>
      history.record(object(id), `create ${token}`, () => leases.create({ id, labels: { a: token } }), {
        ok: () => appears({ labels: { a: token } }),
        already_exists: stays,
      }),
    ({ leases }, id) =>
      history.record(object(id), 'delete', () => leases.delete(id), { ok: () => goes, not_found: absent }),
    ({ leases }, id, dice) => {
      const one = resource(dice);
      return history.record(object(id), `add ${one.id}`, () => leases.addResource(id, one), {
        ok: () => there((parts) => ({ ...parts, held: [...parts.held, one.id] })),
        not_found: absent,
      });
    },
    ({ leases }, id, dice) => {
      const one = resource(dice);
      return history.record(object(id), `let go ${one.id}`, () => leases.deleteResource(id, one), {
        ok: () => there((parts) => ({ ...parts, held: parts.held.filter((held) => held !== one.id) })),
        not_found: absent,
      });
    },
    ({ leases }, id) =>
      history.record(object(id), 'list', () => Array.fromAsync(leases.list([`id=="${id}"`])), {
        ok: ([found]) => (found === undefined ? absent : shows({ labels: found.labels })),
      }),
    ({ leases }, id) =>
      history.record(object(id), 'resources', () => Array.fromAsync(leases.resources(id)), {
        ok: (held) =>
          there((parts) =>
            stateOf({ ...parts, held: held.map((one) => one.id) }) === stateOf(parts) ? parts : IMPOSSIBLE,
          ),
        not_found: absent,
      }),
  ];
}

/** Whether a state is that of an object with these labels, or of none. */
export function hasLabels(state: State, labels: Labels | undefined): boolean {
  if (state === undefined || labels === undefined) return state === undefined && labels === undefined;
  return stateOf({ ...partsOf(state), labels }) === state;
}
