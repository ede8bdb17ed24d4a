import { cleanLabels, type Labels } from '@stowage/core';
import type { SnapshotInfo, SnapshotKind, Usage } from '@stowage/snapshots';

/** A snapshot as the store knows it. */
export interface StoredSnapshot {
  /** Stays the same when the snapshot is committed, and is never used again: good for the name of a directory. */
  readonly id: number;
  /** Ids of its parents, nearest first. */
  readonly parentIds: readonly number[];
  readonly info: SnapshotInfo;
  /** As recorded at commit; zero before, and for views. */
  readonly usage: Usage;
}

interface StoredJson {
  readonly id: number;
  readonly parents: readonly number[];
  readonly kind: SnapshotKind;
  readonly parent: string;
  readonly labels: Labels;
  readonly created: string;
  readonly updated: string;
  readonly size: string;
  readonly inodes: string;
}

export function encodeRecord({ id, parentIds, info, usage }: StoredSnapshot): string {
  const record: StoredJson = {
    id,
    parents: parentIds,
    kind: info.kind,
    parent: info.parent,
    labels: info.labels,
    created: info.createdAt.toISOString(),
    updated: info.updatedAt.toISOString(),
    size: String(usage.sizeBytes),
    inodes: String(usage.inodes),
  };
  return JSON.stringify(record);
}

export function decodeRecord(name: string, text: string): StoredSnapshot {
  const record = JSON.parse(text) as StoredJson;
  return {
    id: record.id,
    parentIds: record.parents,
    info: {
      name,
      parent: record.parent,
      kind: record.kind,
      labels: cleanLabels(record.labels),
      createdAt: new Date(record.created),
      updatedAt: new Date(record.updated),
    },
    usage: { sizeBytes: BigInt(record.size), inodes: BigInt(record.inodes) },
  };
}
