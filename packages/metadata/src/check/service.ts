import { Metadata } from '@stowage/api/metadata/v1';
import { type Routes, serviceRoutes } from '@stowage/rpc';
import { findingToWire } from './convert.ts';
import type { Checkable } from './finding.ts';

/** Serves checks as `stowage.metadata.v1.Metadata`. */
export function checkRoutes(checkable: Checkable): Routes {
  return serviceRoutes(Metadata, {
    async *check(_, { signal }) {
      for await (const finding of checkable.check({ signal })) yield { finding: findingToWire(finding) };
    },
  });
}
