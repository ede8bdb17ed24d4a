import { type CallOptions, LABEL, type Labels, unlessGone } from '@stowage/core';
import type { LeaseManager } from '@stowage/leases';
import { whole } from './whole.ts';

export interface LeaseOptions extends CallOptions {
  readonly id?: string | undefined;
  readonly labels?: Labels | undefined;
  /** Life of the lease should nobody delete it, in milliseconds. Default: a day. */
  readonly lifetimeMs?: number | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Holds what is made under it. Disposing deletes it; what is not held otherwise goes at the next collection. */
export interface LeaseHandle extends AsyncDisposable {
  readonly id: string;
}

export async function openLease(leases: LeaseManager, options: LeaseOptions = {}): Promise<LeaseHandle> {
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
