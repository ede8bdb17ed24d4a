import type { Digest, Scope } from '@stowage/core';
import { objectKey } from '../database/keys.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { letGo } from '../scope.ts';

/** Deletes the record of a blob; its bytes go when no other namespace has it. Its key must be locked. */
export function dropBlob(tx: Transaction, scope: Scope, digest: Digest): void {
  tx.delete(objectKey(scope.namespace, 'content', digest));
  letGo(tx, scope, 'content', digest);
  tx.discard({ kind: 'blob', digest });
}

/** Deletes the record of an ingest and leaves its bytes to garbage collection. Its key must be locked. */
export function dropIngest(tx: Transaction, scope: Scope, ref: string, backend: string): void {
  tx.delete(objectKey(scope.namespace, 'ingests', ref));
  letGo(tx, scope, 'ingests', ref);
  tx.discard({ kind: 'ingest', ref: backend });
}
