import type { CallOptions, Labels, Scoped, Slot } from '@stowage/core';

/**
 * Leases hold objects that nothing else refers to yet. Whoever works under a lease (a scope with its id)
 * has all that it makes added to it; deleting the lease lets garbage collection take what is not held otherwise.
 *
 * @see containerd core/leases/lease.go
 */
export interface LeaseManager {
  /**
   * @param lease - no id: a random one. The label `containerd.io/gc.expire` (RFC 3339) bounds its life.
   * @throws Fault `already_exists`; `invalid_argument` for a label that is too long.
   */
  create(
    lease: { readonly id?: string | undefined; readonly labels?: Labels | undefined },
    options?: CallOptions,
  ): Promise<Lease>;
  /** @throws Fault `not_found` */
  delete(id: string, options?: CallOptions & { readonly sync?: boolean | undefined }): Promise<void>;
  /** Leases that match any of the filters (fields `id`, `labels`). */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<Lease>;
  /**
   * The object need not exist.
   *
   * @throws Fault `not_found`; `unimplemented` for a type that can't be leased; `invalid_argument` for a malformed type,
   *   an empty id, or content that is no digest.
   */
  addResource(id: string, resource: LeaseResource, options?: CallOptions): Promise<void>;
  /** Succeeds where it is not held. @throws Fault as {@link addResource}. */
  deleteResource(id: string, resource: LeaseResource, options?: CallOptions): Promise<void>;
  /** @throws Fault `not_found` */
  resources(id: string, options?: CallOptions): AsyncIterable<LeaseResource>;
}

export interface Lease {
  readonly id: string;
  readonly createdAt: Date;
  readonly labels: Labels;
}

export interface LeaseResource {
  /** Digest, ref, image name or snapshot key. */
  readonly id: string;
  /** `content`, `ingests`, `images`, or `snapshots/<snapshotter>`. */
  readonly type: string;
}

export const leaseServiceSlot: Slot<Scoped<LeaseManager>> = {
  type: 'io.containerd.service.v1',
  id: 'leases-service',
  api: 1,
};
