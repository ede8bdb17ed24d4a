import type { CallOptions, Descriptor } from '@stowage/core';
import type { LeaseManager } from '@stowage/leases';
import { type LeaseHandle, openLease } from './lease.ts';

/** Keeps images from being collected while they are read, whoever removes them meanwhile, until disposed. */
export async function hold(
  leases: LeaseManager,
  images: readonly { readonly target: Descriptor }[],
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
