import { Diff } from '@stowage/api/diff/v1';
import type { Scoped } from '@stowage/core';
import { descriptorToWire, type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { applyFromWire, diffFromWire } from './convert.ts';
import type { Differ } from './differ.ts';

/** The service end of diff.v1. */
export function diffRoutes(scoped: Scoped<Differ>): Routes {
  return serviceRoutes(Diff, {
    async apply(request, context) {
      const { layer, mounts, options } = applyFromWire(request);
      const differ = scoped(scopeOf(context));
      const applied = await differ.apply(layer, mounts, { ...options, signal: context.signal });
      return { applied: descriptorToWire(applied) };
    },
    async diff(request, context) {
      const { lower, upper, options } = diffFromWire(request);
      const differ = scoped(scopeOf(context));
      const diff = await differ.diff(lower, upper, { ...options, signal: context.signal });
      return { diff: descriptorToWire(diff) };
    },
  });
}
