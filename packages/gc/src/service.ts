import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { GarbageCollection } from '@stowage/api/gc/v1';
import type { Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import {
  explanationToWire,
  kindFromWire,
  limitToWire,
  objectFromWire,
  objectToWire,
  orphanToWire,
  removalToWire,
} from './convert.ts';
import { usageToWire } from './convert-usage.ts';
import type { GarbageInspector } from './inspector.ts';

/** Objects in one message of a list. */
const PAGE = 100;

/** Serves inspectors by scope as `stowage.gc.v1.GarbageCollection`. */
export function garbageRoutes(inspectors: Scoped<GarbageInspector>): Routes {
  return serviceRoutes(GarbageCollection, {
    async limits(_, context) {
      const { signal } = context;
      return { limits: (await inspectors(scopeOf(context)).limits({ signal })).map(limitToWire) };
    },
    async find({ text, kind }, context) {
      const { signal } = context;
      const query = { text, ...(kind !== '' && { kind: kindFromWire(kind) }) };
      return { objects: (await inspectors(scopeOf(context)).find(query, { signal })).map(objectToWire) };
    },
    async explain({ object }, context) {
      const { signal } = context;
      return explanationToWire(
        await inspectors(scopeOf(context)).explain(objectFromWire(object), { signal }),
      );
    },
    async *plan({ active }, context) {
      const { signal } = context;
      for await (const removals of pages(inspectors(scopeOf(context)).plan({ active, signal })))
        yield { removals: removals.map(removalToWire) };
    },
    async freedBy({ objects, active }, context) {
      const { signal } = context;
      return inspectors(scopeOf(context)).freedBy(objects.map(objectFromWire), { active, signal });
    },
    async *usage({ detail, active }, context) {
      const { signal } = context;
      for await (const usages of pages(inspectors(scopeOf(context)).usage({ detail, active, signal })))
        yield { usages: usages.map(usageToWire) };
    },
    async *orphans(_, context) {
      const { signal } = context;
      for await (const orphans of pages(inspectors(scopeOf(context)).orphans({ signal })))
        yield { orphans: orphans.map(orphanToWire) };
    },
    async run(_, context) {
      const { signal } = context;
      const { removed, pruned, freedBytes, durationMs } = await inspectors(scopeOf(context)).run({ signal });
      const duration = durationFromMs(Math.round(durationMs));
      return { removed: BigInt(removed), pruned: BigInt(pruned), freedBytes, duration };
    },
  });
}

async function* pages<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const item of items) {
    if (page.push(item) < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
