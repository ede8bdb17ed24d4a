import type { ContentStore } from '@stowage/content';
import { type CallOptions, type Digest, Fault, type Scope } from '@stowage/core';
import { objectKey } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { letGo } from '../scope.ts';

/** Deletes the record of a blob; its bytes go when no other namespace has it. Its key must be locked. */
export function dropBlob(tx: Transaction, scope: Scope, digest: Digest): void {
  tx.delete(objectKey(scope.namespace, 'content', digest));
  letGo(tx, scope, 'content', digest);
  tx.discard({ kind: 'blob', digest, namespace: scope.namespace });
}

/** Deletes the record of an ingest and leaves its bytes to garbage collection. Its key must be locked. */
export function dropIngest(tx: Transaction, scope: Scope, ref: string, backend: string): void {
  tx.delete(objectKey(scope.namespace, 'ingests', ref));
  letGo(tx, scope, 'ingests', ref);
  tx.discard({ kind: 'ingest', ref: backend });
}

/** Deletes the bytes of an ingest whose record was dropped. Garbage collection would too; this makes room now. */
export async function freeIngest(
  { log }: Ledger,
  content: ContentStore,
  name: string,
  { signal }: CallOptions,
): Promise<void> {
  try {
    await content.abort(name, { signal });
  } catch (e) {
    if (!Fault.is(e, 'not_found')) log.warn({ err: e, ingest: name }, 'a dropped ingest is left for later');
  }
}
