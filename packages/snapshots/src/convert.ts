import { create } from '@bufbuild/protobuf';
import { InfoSchema, Kind, type UsageResponse, type Info as WireInfo } from '@stowage/api/snapshots/v1';
import { cleanLabels, Fault } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';
import type { SnapshotInfo, SnapshotKind, Usage } from './snapshotter.ts';

const KIND_TO_WIRE: Readonly<Record<SnapshotKind, Kind>> = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
};

const KIND_FROM_WIRE: ReadonlyMap<Kind, SnapshotKind> = new Map([
  [Kind.VIEW, 'view'],
  [Kind.ACTIVE, 'active'],
  [Kind.COMMITTED, 'committed'],
]);

/** What a server that left out a time is taken to have meant; a Date is never absent in the interface. */
const UNSET = new Date(0);

export function infoToWire(info: SnapshotInfo): WireInfo {
  return create(InfoSchema, {
    name: info.name,
    parent: info.parent,
    kind: KIND_TO_WIRE[info.kind],
    createdAt: timestampOf(info.createdAt),
    updatedAt: timestampOf(info.updatedAt),
    labels: { ...info.labels },
  });
}

/** @throws Fault `unknown` if the server answered with no snapshot, or one of no known kind. */
export function infoFromWire(wire: WireInfo | undefined): SnapshotInfo {
  const kind = KIND_FROM_WIRE.get(wire?.kind ?? Kind.UNKNOWN);
  if (wire === undefined || kind === undefined) {
    throw new Fault('unknown', 'the snapshotter answered without a snapshot, or with one of unknown kind');
  }
  return {
    name: wire.name,
    parent: wire.parent,
    kind,
    labels: cleanLabels(wire.labels),
    createdAt: dateOf(wire.createdAt) ?? UNSET,
    updatedAt: dateOf(wire.updatedAt) ?? UNSET,
  };
}

export function usageFromWire({ size, inodes }: UsageResponse): Usage {
  return { sizeBytes: size, inodes };
}

export function usageToWire({ sizeBytes, inodes }: Usage): { size: bigint; inodes: bigint } {
  return { size: sizeBytes, inodes };
}
