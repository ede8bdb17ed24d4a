import type { Scope } from '@stowage/core';
import { openLease } from '@stowage/leases';
import type { Work } from './parts.ts';

/**
 * A scope with a lease: the given one's, or one of its own for as long as it is not disposed, and no longer than a day.
 *
 * @see containerd core/transfer/local/transfer.go withLease
 */
export async function ownLease({
  parts,
  scope,
  signal,
}: Work): Promise<{ readonly scope: Scope } & AsyncDisposable> {
  if (scope.lease !== undefined) return { scope, async [Symbol.asyncDispose]() {} };
  const lease = await openLease(parts.leases(scope), { signal });
  return {
    scope: { ...scope, lease: lease.id },
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  };
}
