import { fromBinary } from '@bufbuild/protobuf';
import { ContainerSchema } from '@stowage/api/containers/v1';
import { type CallOptions, Fault, quote } from '@stowage/core';
import { NAMESPACES, rangeOf, snapshotLock, snapshotPrefix, tablePrefix } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** Namespaces that a message names; of more, it says how many there are. */
const MOST_NAMED = 10;

/**
 * Runs `take` while no record names a snapshotter and no snapshot of it can be made.
 *
 * @throws Fault `failed_precondition` saying how many snapshots and containers there are, and where.
 */
export async function withdraw<T>(
  ledger: Ledger,
  snapshotter: string,
  take: () => Promise<T>,
  { signal }: CallOptions = {},
): Promise<T> {
  using _lock = await ledger.locks.acquire({ exclusive: [snapshotLock(snapshotter)] }, signal);
  const uses: string[] = [];
  for await (const [key] of ledger.db.entries(rangeOf(NAMESPACES))) {
    signal?.throwIfAborted();
    const namespace = key.slice(NAMESPACES.length);
    const use = await usesIn(ledger, namespace, snapshotter);
    if (use !== undefined) uses.push(use);
  }
  if (uses.length === 0) return take();
  const more = uses.length > MOST_NAMED ? [`${uses.length - MOST_NAMED} more namespaces`] : [];
  const told = [...uses.slice(0, MOST_NAMED), ...more].join('; ');
  throw new Fault('failed_precondition', `snapshotter ${quote(snapshotter)} is in use: ${told}`);
}

async function usesIn({ db }: Ledger, namespace: string, snapshotter: string): Promise<string | undefined> {
  let snapshots = 0;
  for await (const _ of db.entries(rangeOf(snapshotPrefix(namespace, snapshotter)))) snapshots += 1;
  let containers = 0;
  for await (const [, { payload }] of db.entries(rangeOf(tablePrefix(namespace, 'containers'))))
    if (fromBinary(ContainerSchema, payload).snapshotter === snapshotter) containers += 1;
  const parts = [counted(snapshots, 'snapshot'), counted(containers, 'container')].flatMap(
    (part) => part ?? [],
  );
  return parts.length === 0 ? undefined : `${parts.join(' and ')} in namespace ${namespace}`;
}

function counted(count: number, noun: string): string | undefined {
  if (count === 0) return undefined;
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
