import { type CallOptions, compileFilters, Fault, quote, type Scope } from '@stowage/core';
import type {
  NewOperation,
  OperationChange,
  OperationService,
  RunningOperation,
  SubscribeOptions,
} from '../operations.ts';
import { operationFields } from './fields.ts';
import type { LocalOperation } from './local-operation.ts';
import type { OperationTable } from './table.ts';

/** What one scope sees of the table. */
export function scopedOperations(
  table: OperationTable,
  { namespace }: Scope,
  report: (namespace: string, operation: NewOperation) => RunningOperation,
): OperationService {
  const isHere = (operation: LocalOperation) =>
    namespace === '' || operation.namespace === '' || operation.namespace === namespace;
  return {
    async *list(filters: readonly string[] = [], { signal }: CallOptions = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      // As of one moment: who reads slowly must not see an operation twice that changes meanwhile.
      for (const operation of [...table.all()]) {
        signal?.throwIfAborted();
        if (isHere(operation) && matches(operationFields(operation))) yield operation.snapshot();
      }
    },
    async *subscribe({ after, filters = [], signal }: SubscribeOptions = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      const concerns = (operation: LocalOperation) =>
        isHere(operation) && matches(operationFields(operation, 'watched'));
      yield* changes(table, concerns, { after, signal });
    },
    async cancel(id, { signal } = {}) {
      signal?.throwIfAborted();
      const operation = table.get(id);
      if (operation === undefined || !isHere(operation))
        throw new Fault('not_found', `operation ${quote(id)}: not found`);
      operation.cancel();
    },
    async begin(operation, { signal } = {}) {
      signal?.throwIfAborted();
      if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
      return report(namespace, operation);
    },
  };
}

async function* changes(
  table: OperationTable,
  concerns: (operation: LocalOperation) => boolean,
  { after, signal }: Pick<SubscribeOptions, 'after' | 'signal'>,
): AsyncGenerator<OperationChange> {
  // What was forgotten up to here is not missed: of all there is, it is no part.
  let forgotten = table.forgotten;
  let heard = 0n;
  if (after !== undefined) {
    if (table.knows(after)) heard = after.sequence;
    else yield { type: 'gap' };
  }
  for (;;) {
    signal?.throwIfAborted();
    if (table.forgotten > forgotten && table.forgotten > heard) {
      [forgotten, heard] = [table.forgotten, 0n];
      yield { type: 'gap' };
      continue;
    }
    const next = firstAfter(table, heard);
    if (next === undefined) {
      await table.changes.next(signal);
      continue;
    }
    heard = next.sequence;
    if (!concerns(next)) continue;
    yield { type: 'changed', position: { epoch: table.epoch, sequence: heard }, operation: next.snapshot() };
  }
}

function firstAfter(table: OperationTable, heard: bigint): LocalOperation | undefined {
  for (const operation of table.all()) if (operation.sequence > heard) return operation;
  return undefined;
}
