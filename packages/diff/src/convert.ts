import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type ApplyRequest,
  ApplyRequestSchema,
  type DiffRequest,
  DiffRequestSchema,
} from '@stowage/api/diff/v1';
import { cleanLabels, type Descriptor, type Mount, type TypedBytes } from '@stowage/core';
import {
  anyOf,
  dateOf,
  descriptorFromWire,
  descriptorToWire,
  mountFromWire,
  mountToWire,
  timestampOf,
  typedBytesOf,
} from '@stowage/rpc';
import type { ApplyOptions, DiffOptions } from './differ.ts';

/** @throws Fault `invalid_argument` if the layer is not set or malformed. */
export function applyFromWire(wire: ApplyRequest): {
  layer: Descriptor;
  mounts: Mount[];
  options: Pick<ApplyOptions, 'payloads' | 'syncFs'>;
} {
  return {
    layer: descriptorFromWire(wire.diff, 'apply: diff'),
    mounts: wire.mounts.map(mountFromWire),
    options: { payloads: payloadsFromWire(wire.payloads), syncFs: wire.syncFs },
  };
}

export function applyToWire(
  layer: Descriptor,
  mounts: readonly Mount[],
  { payloads = {}, syncFs = false }: ApplyOptions,
): ApplyRequest {
  return create(ApplyRequestSchema, {
    diff: descriptorToWire(layer),
    mounts: mounts.map(mountToWire),
    payloads: Object.fromEntries(Object.entries(payloads).map(([id, bytes]) => [id, anyOf(bytes)])),
    syncFs,
  });
}

/** Without a prototype: the ids are somebody else's. */
function payloadsFromWire(wire: Readonly<Record<string, Any>>): Record<string, TypedBytes> {
  const payloads: Record<string, TypedBytes> = Object.create(null);
  for (const [id, any] of Object.entries(wire)) {
    const bytes = typedBytesOf(any);
    if (bytes !== undefined) payloads[id] = bytes;
  }
  return payloads;
}

export function diffFromWire(wire: DiffRequest): {
  lower: Mount[];
  upper: Mount[];
  options: Omit<DiffOptions, 'signal'>;
} {
  return {
    lower: wire.left.map(mountFromWire),
    upper: wire.right.map(mountFromWire),
    options: {
      mediaType: wire.mediaType || undefined,
      ref: wire.ref || undefined,
      labels: cleanLabels(wire.labels),
      sourceDateEpoch: dateOf(wire.sourceDateEpoch),
    },
  };
}

export function diffToWire(
  lower: readonly Mount[],
  upper: readonly Mount[],
  { mediaType = '', ref = '', labels = {}, sourceDateEpoch }: DiffOptions,
): DiffRequest {
  return create(DiffRequestSchema, {
    left: lower.map(mountToWire),
    right: upper.map(mountToWire),
    mediaType,
    ref,
    labels: { ...labels },
    ...(sourceDateEpoch !== undefined && { sourceDateEpoch: timestampOf(sourceDateEpoch) }),
  });
}
