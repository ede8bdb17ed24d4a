import type { Snapshotter } from '@stowage/snapshots';
import type { OpenSnapshotter, Subject } from '@stowage/snapshots-conformance';
import { type MemoryOptions, MemorySnapshotter } from '@stowage/snapshots-conformance/memory';

/** A snapshotter that is wrong in one way. */
export interface Mutant {
  /** What is wrong: completes "a snapshotter where …". */
  readonly name: string;
  /** Cases that must notice. */
  readonly caughtBy: readonly string[];
  readonly subject: Subject;
}

export type Wrong = (right: Snapshotter) => Partial<Snapshotter>;

/** A snapshotter that is right in everything but what `wrong` does. */
export function altered(right: OpenSnapshotter, wrong: Wrong): OpenSnapshotter {
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
  const dispose = async () => right[Symbol.asyncDispose]?.();
  return { ...whole, ...wrong(right), [Symbol.asyncDispose]: dispose };
}

/** The chain id that the remote snapshotters of the mutants have. */
export const TARGET = `sha256:${'a'.repeat(64)}`;

/** A mutant without files. */
export function wrongly(
  name: string,
  caughtBy: readonly string[],
  wrong: Wrong,
  options: MemoryOptions = {},
): Mutant {
  return { name, caughtBy, subject: memorySubject(name, wrong, options) };
}

export function memorySubject(name: string, wrong: Wrong, options: MemoryOptions = {}): Subject {
  return {
    name,
    capabilities: new Set([
      ...(options.rebase === true ? (['rebase'] as const) : []),
      ...(options.remote === undefined ? [] : (['remote'] as const)),
    ]),
    open: async () => altered(new MemorySnapshotter(options), wrong),
    remote: { target: TARGET },
  };
}
