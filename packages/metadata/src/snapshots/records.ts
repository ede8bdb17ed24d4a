import { create } from '@bufbuild/protobuf';
import { InfoSchema, Kind, type Info as WireInfo } from '@stowage/api/snapshots/v1';
import { cleanLabels, Fault, LABEL, type Labels, quote } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';
import type { SnapshotInfo, SnapshotKind } from '@stowage/snapshots';

const WIRE_KIND: Readonly<Record<SnapshotKind, Kind>> = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
};

export function infoOf({ name, parent, kind, createdAt, updatedAt, labels }: WireInfo): SnapshotInfo {
  const epoch = new Date(0);
  return {
    name,
    parent,
    kind: kind === Kind.COMMITTED ? 'committed' : kind === Kind.VIEW ? 'view' : 'active',
    createdAt: dateOf(createdAt) ?? epoch,
    updatedAt: dateOf(updatedAt) ?? epoch,
    labels: cleanLabels(labels),
  };
}

export function infoRecord({ name, parent, kind, createdAt, updatedAt, labels }: SnapshotInfo): WireInfo {
  return create(InfoSchema, {
    name,
    parent,
    kind: WIRE_KIND[kind],
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
    labels: cleanLabels(labels),
  });
}

/** What the caller sees: our record over what the backend says, whose own labels show through. */
export function overlaid(ours: SnapshotInfo, theirs: SnapshotInfo): SnapshotInfo {
  return { ...ours, labels: Object.assign(cleanLabels(theirs.labels), ours.labels) };
}

/** The labels that a backend is told (containerd core/snapshots, FilterInheritedLabels). */
export function inherited(labels: Labels): Record<string, string> {
  const told: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(labels))
    if (key === LABEL.snapshotRef || key.startsWith(LABEL.snapshotPrefix)) told[key] = value;
  return told;
}

export function snapshotNotFound(key: string): Fault {
  return new Fault('not_found', `snapshot ${quote(key)}: not found`);
}

export function snapshotExists(key: string): Fault {
  return new Fault('already_exists', `snapshot ${quote(key)}: already exists`);
}

/** A request gone wrong, not an object that is missing. */
export function noSnapshotter(name: string, names: readonly string[]): Fault {
  const known = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
  return new Fault('invalid_argument', `snapshotter ${quote(name)}: not here; ${known}`);
}
