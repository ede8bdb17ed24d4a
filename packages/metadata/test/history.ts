import { Fault, type FaultKind } from '@stowage/core';

/** What an object is like: nothing, or its parts as text, in the order of their names. */
export type State = string | undefined;

export const IMPOSSIBLE = Symbol('no such object can have been there');

/** What a call that had a certain outcome does to an object, if the object was like that. */
export type Step = (state: State) => State | typeof IMPOSSIBLE;

/** A call on one object, with the moments between which it took effect. */
export interface Operation {
  readonly what: string;
  readonly begun: number;
  readonly ended: number;
  readonly step: Step;
}

export type Outcomes<T> = { readonly ok: (result: T) => Step } & Partial<Readonly<Record<FaultKind, Step>>>;

/** Records calls against one clock, which orders them as they were. */
export class History {
  readonly #operations = new Map<string, Operation[]>();
  #clock = 0;

  /** Makes a call on an object. Any outcome that is not foreseen is thrown on. */
  async record<T>(
    object: string,
    what: string,
    call: () => Promise<T>,
    outcomes: Outcomes<T>,
  ): Promise<void> {
    const begun = ++this.#clock;
    const { outcome, step } = await settled(call, outcomes);
    const operation = { what: `${what}: ${outcome}`, begun, ended: ++this.#clock, step };
    const operations = this.#operations.get(object) ?? [];
    operations.push(operation);
    this.#operations.set(object, operations);
  }

  /** Takes what was recorded so far of each object. Call it when nothing is under way. */
  take(): ReadonlyMap<string, readonly Operation[]> {
    const taken = new Map(this.#operations);
    this.#operations.clear();
    return taken;
  }
}

async function settled<T>(call: () => Promise<T>, outcomes: Outcomes<T>) {
  try {
    return { outcome: 'ok', step: outcomes.ok(await call()) };
  } catch (e) {
    const step = Fault.is(e) ? outcomes[e.kind] : undefined;
    if (step === undefined || !Fault.is(e)) throw e;
    return { outcome: e.kind, step };
  }
}

/**
 * The states that an object may be in after some calls, which may have taken effect in any order in which none comes after
 * one that began when it had ended.
 *
 * @returns none if there is no such order: the object was not one.
 * @see Wing and Gong, "Testing and Verifying Concurrent Objects", 1993
 */
export function endings(
  operations: readonly Operation[],
  beginnings: ReadonlySet<State>,
): ReadonlySet<State> {
  if (operations.length > 30) throw new Error(`${operations.length} calls between two pauses are too many`);
  const reached = new Set<State>();
  const seen = new Set<string>();
  const all = 2 ** operations.length - 1;
  const waiting = [...beginnings].map((state) => ({ done: 0, state }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { done, state } = next;
    const key = `${done} ${state}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (done === all) {
      reached.add(state);
      continue;
    }
    const isDone = (i: number) => (done & (2 ** i)) !== 0;
    const firstEnd = Math.min(...operations.map(({ ended }, i) => (isDone(i) ? Infinity : ended)));
    for (const [i, { begun, step }] of operations.entries()) {
      if (isDone(i) || begun > firstEnd) continue;
      const after = step(state);
      if (after !== IMPOSSIBLE) waiting.push({ done: done | (2 ** i), state: after });
    }
  }
  return reached;
}

/** Follows an object from pause to pause. @throws an error that shows the calls that no order explains. */
export class Follower {
  readonly #states = new Map<string, ReadonlySet<State>>();

  follow(taken: ReadonlyMap<string, readonly Operation[]>): void {
    for (const [object, operations] of taken) {
      const before = this.#states.get(object) ?? new Set([undefined]);
      const after = endings(operations, before);
      if (after.size === 0) {
        const calls = operations.map(({ what, begun, ended }) => `  ${begun}-${ended} ${what}`);
        const from = [...before].map(String).join(' or ');
        throw new Error(`${object}, from ${from}: no order explains\n${calls.join('\n')}`);
      }
      this.#states.set(object, after);
    }
  }

  statesOf(object: string): ReadonlySet<State> {
    return this.#states.get(object) ?? new Set([undefined]);
  }
}
