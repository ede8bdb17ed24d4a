import { create } from '@bufbuild/protobuf';
import {
  LeaseSchema,
  ResourceSchema,
  type Lease as WireLease,
  type Resource as WireResource,
} from '@stowage/api/leases/v1';
import { cleanLabels, Fault } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';
import type { Lease, LeaseResource } from './lease-manager.ts';

/** @throws Fault `invalid_argument` if it is not set. */
export function leaseFromWire(wire: WireLease | undefined): Lease {
  if (wire === undefined) throw new Fault('invalid_argument', 'lease is required');
  const { id, labels, createdAt } = wire;
  return { id, labels: cleanLabels(labels), createdAt: dateOf(createdAt) ?? new Date(0) };
}

export function leaseToWire({ id, labels, createdAt }: Lease): WireLease {
  return create(LeaseSchema, { id, labels: cleanLabels(labels), createdAt: timestampOf(createdAt) });
}

/** @throws Fault `invalid_argument` if it is not set. */
export function resourceFromWire(wire: WireResource | undefined): LeaseResource {
  if (wire === undefined) throw new Fault('invalid_argument', 'lease resource is required');
  return { id: wire.id, type: wire.type };
}

export function resourceToWire({ id, type }: LeaseResource): WireResource {
  return create(ResourceSchema, { id, type });
}
