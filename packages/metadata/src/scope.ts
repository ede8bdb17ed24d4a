import { create } from '@bufbuild/protobuf';
import { LeaseSchema } from '@stowage/api/leases/v1';
import { NamespaceSchema } from '@stowage/api/namespaces/v1';
import { Fault, quote, type Scope, validateIdentifier } from '@stowage/core';
import { namespaceKey, objectKey, resourceKey } from './database/keys.ts';
import { targetOf } from './gc/refs.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LockSet } from './ledger/locks.ts';
import type { Transaction } from './ledger/transaction.ts';

/** @throws Fault `failed_precondition` without a namespace; `invalid_argument` for one that is no identifier. */
export function validateScope({ namespace }: Scope): void {
  if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
  validateIdentifier(namespace, 'namespace');
}

/** Locks for making an object: its key, and the namespace and lease that it comes into. */
export function makingLocks(
  scope: Scope,
  exclusive: readonly string[],
  shared: readonly string[] = [],
): LockSet {
  const lease = scope.lease === undefined ? [] : [objectKey(scope.namespace, 'leases', scope.lease)];
  return { exclusive, shared: [...shared, ...lease, namespaceKey(scope.namespace)] };
}

/** Brings the namespace of a new object into being, if it is not there yet. */
export async function ensureNamespace(tx: Transaction, namespace: string): Promise<void> {
  const key = namespaceKey(namespace);
  // Read whole, because it is then remembered: all that is made asks for it.
  if ((await tx.get(NamespaceSchema, key)) !== undefined) return;
  tx.put(NamespaceSchema, key, create(NamespaceSchema, { name: namespace }));
}

/**
 * Has the scope's lease, if there is one, hold an object. The lease must be locked. Without one, the object is kept from
 * the collection under way and no other.
 *
 * @returns whether there is one.
 * @throws Fault `not_found` if the lease is gone.
 */
export async function hold(tx: Transaction, scope: Scope, type: string, id: string): Promise<boolean> {
  const { namespace, lease = '' } = scope;
  const target = targetOf({ namespace, table: 'resources', lease, type, name: id });
  if (target !== undefined) tx.touch(target);
  if (scope.lease === undefined) return false;
  if ((await tx.get(LeaseSchema, objectKey(namespace, 'leases', lease))) === undefined)
    throw new Fault('not_found', `lease ${quote(lease)}: not found`);
  tx.putEdge(resourceKey(namespace, lease, type, id), ...(target === undefined ? [] : [target]));
  return true;
}

/**
 * Keeps what somebody looks at under a lease from the collection under way: most likely it is named next. Call before
 * looking.
 */
export function lookedAt(ledger: Ledger, { lease }: Scope, key: string): void {
  if (lease !== undefined) ledger.touch([key]);
}

/** Ends what {@link hold} began, for an object that goes or becomes another. */
export function letGo(tx: Transaction, { namespace, lease }: Scope, type: string, id: string): void {
  if (lease !== undefined) tx.delete(resourceKey(namespace, lease, type, id));
}
