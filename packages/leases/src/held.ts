import { type CallOptions, type Digest, LABEL, type Labels, unlessGone, whole } from '@stowage/core';
import type { LeaseManager } from './lease-manager.ts';

export interface LeaseOptions extends CallOptions {
  readonly id?: string | undefined;
  readonly labels?: Labels | undefined;
  /** Life of the lease should nobody delete it, in milliseconds. Default: a day. */
  readonly lifetimeMs?: number | undefined;
}

/** Holds what is made under it. Disposing deletes it; what is not held otherwise goes at the next collection. */
export interface LeaseHandle extends AsyncDisposable {
  readonly id: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * A lease for as long as it is not disposed, and no longer than its lifetime.
 *
 * @throws Fault as {@link LeaseManager.create}; the signal's reason, with no lease left behind.
 * @see containerd client/lease.go WithLease
 */
export async function openLease(
  leases: Pick<LeaseManager, 'create' | 'delete'>,
  options: LeaseOptions = {},
): Promise<LeaseHandle> {
  const { id, labels, lifetimeMs = DAY_MS, signal } = options;
  const expires = new Date(Date.now() + lifetimeMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const lease = await whole(
    signal,
    () => leases.create({ id, labels: { [LABEL.gcExpire]: expires, ...labels } }),
    (made) => leases.delete(made.id),
  );
  return {
    id: lease.id,
    async [Symbol.asyncDispose]() {
      await unlessGone(leases.delete(lease.id));
    },
  };
}

/**
 * Keeps images from being collected while they are read, whoever removes them meanwhile, until disposed.
 *
 * @throws Fault as {@link LeaseManager.addResource}, with no lease left behind.
 */
export async function holdImages(
  leases: Pick<LeaseManager, 'create' | 'delete' | 'addResource'>,
  images: readonly { readonly target: { readonly digest: Digest } }[],
  { signal }: CallOptions = {},
): Promise<LeaseHandle> {
  const lease = await openLease(leases, { signal });
  try {
    for (const { target } of images)
      await leases.addResource(lease.id, { type: 'content', id: target.digest }, { signal });
  } catch (e) {
    await lease[Symbol.asyncDispose]();
    throw e;
  }
  return lease;
}
