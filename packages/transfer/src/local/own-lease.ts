import { LABEL, type Scope, unlessGone } from '@stowage/core';
import type { Work } from './parts.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

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
  signal?.throwIfAborted();
  const leases = parts.leases(scope);
  const expires = new Date(Date.now() + DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z');
  // Without the signal: a lease whose making was given up could be there all the same, and nobody know its id.
  const { id } = await leases.create({ labels: { [LABEL.gcExpire]: expires } });
  return {
    scope: { ...scope, lease: id },
    async [Symbol.asyncDispose]() {
      await unlessGone(leases.delete(id));
    },
  };
}
