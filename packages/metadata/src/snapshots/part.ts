import type { Scope } from '@stowage/core';
import type { Snapshotter } from '@stowage/snapshots';
import { childKey, snapshotKey } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { letGo } from '../scope.ts';

/** One snapshotter as one scope sees it. */
export interface Part {
  readonly ledger: Ledger;
  readonly scope: Scope;
  readonly snapshotter: string;
  readonly backend: Snapshotter;
}

export function recordKey({ scope, snapshotter }: Part, key: string): string {
  return snapshotKey(scope.namespace, snapshotter, key);
}

export function edgeKey({ scope, snapshotter }: Part, parent: string, child: string): string {
  return childKey(scope.namespace, snapshotter, parent, child);
}

/** How leases name the snapshots of a snapshotter. */
export function leaseType(snapshotter: string): string {
  return `snapshots/${snapshotter}`;
}

/** The backend's name: ours are unique for all time, so what is left of an old one is never taken for a new one. */
export function backendName({ scope }: Part, seq: bigint, key: string): string {
  return `${scope.namespace}/${seq}/${key}`;
}

/** Deletes the record of a snapshot and its back edge. Its key must be locked, and it must have no children. */
export function dropRecord(tx: Transaction, part: Part, key: string, parent: string): void {
  const { scope, snapshotter } = part;
  tx.delete(recordKey(part, key));
  if (parent !== '') tx.delete(edgeKey(part, parent, key));
  letGo(tx, scope, leaseType(snapshotter), key);
}
