import { type CallOptions, Fault } from '@stowage/core';
import type { GarbageInspector } from './inspector.ts';

/** One inspector, or another where the daemon does not know the first one's service. Asked once, at the first call. */
export function firstOf(first: GarbageInspector, other: GarbageInspector): GarbageInspector {
  let chosen: Promise<GarbageInspector> | undefined;

  async function pick(options: CallOptions | undefined): Promise<GarbageInspector> {
    chosen ??= choose(options).catch((e: unknown) => {
      // Whoever asks next tries anew.
      chosen = undefined;
      throw e;
    });
    return chosen;
  }

  async function choose({ signal }: CallOptions = {}): Promise<GarbageInspector> {
    try {
      await first.limits({ signal });
      return first;
    } catch (e) {
      if (Fault.is(e, 'unimplemented')) return other;
      throw e;
    }
  }

  return {
    limits: async (options) => (await pick(options)).limits(options),
    find: async (query, options) => (await pick(options)).find(query, options),
    explain: async (object, options) => (await pick(options)).explain(object, options),
    async *plan(options) {
      yield* (await pick(options)).plan(options);
    },
    freedBy: async (objects, options) => (await pick(options)).freedBy(objects, options),
    async *usage(options) {
      yield* (await pick(options)).usage(options);
    },
    async *orphans(options) {
      yield* (await pick(options)).orphans(options);
    },
    run: async (options) => (await pick(options)).run(options),
  };
}
