import { type Descriptor, LABEL, type Scope, unlessGone } from '@stowage/core';
import type { Work } from './parts.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * A scope with a lease: the given one's, or one of its own for as long as it is not disposed, and no longer than a day.
 *
 * @see containerd core/transfer/local/transfer.go withLease
 */
export async function ownLease(work: Work): Promise<{ readonly scope: Scope } & AsyncDisposable> {
  const { scope } = work;
  if (scope.lease !== undefined) return { scope, async [Symbol.asyncDispose]() {} };
  return newLease(work);
}

/** Keeps an image while it is read, whoever removes it meanwhile. Dispose it. @throws Fault `not_found` */
export async function held(
  work: Work,
  images: readonly { readonly target: Descriptor }[],
): Promise<AsyncDisposable> {
  const lease = await newLease(work);
  try {
    const leases = work.parts.leases(work.scope);
    for (const { target } of images) {
      const resource = { type: 'content', id: target.digest };
      await leases.addResource(lease.scope.lease, resource, { signal: work.signal });
    }
    return lease;
  } catch (e) {
    await lease[Symbol.asyncDispose]();
    throw e;
  }
}

async function newLease({
  parts,
  scope,
  signal,
}: Work): Promise<{ readonly scope: Scope & { readonly lease: string } } & AsyncDisposable> {
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
