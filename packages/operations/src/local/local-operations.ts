import { Fault, type Scope, validateIdentifier } from '@stowage/core';
import type { NewOperation, Operations } from '../operations.ts';
import { LocalOperation } from './local-operation.ts';
import { scopedOperations } from './scoped-operations.ts';
import { OperationTable, type TableBounds } from './table.ts';

export interface LocalOperationsOptions extends Partial<TableBounds> {
  /** Default: the clock. */
  readonly now?: (() => Date) | undefined;
  /** Operations that were begun through a service and may run at a time. Default: 1000. */
  readonly maxReported?: number | undefined;
}

/** The operations of this process, in its memory. */
export function localOperations(options: LocalOperationsOptions = {}): Operations {
  const { maxEnded = 200, maxEndedParts = 20_000, maxReported = 1000, now = () => new Date() } = options;
  const table = new OperationTable({ maxEnded, maxEndedParts });
  const begin = (namespace: string, operation: NewOperation, onEnd?: () => void) =>
    new LocalOperation(table, namespace, operation, now, onEnd);
  let reported = 0;
  const report = (namespace: string, operation: NewOperation) => {
    if (reported >= maxReported) {
      throw new Fault(
        'resource_exhausted',
        `begin ${operation.kind}: ${maxReported} operations are under way`,
      );
    }
    reported += 1;
    return begin(namespace, operation, () => {
      reported -= 1;
    });
  };
  return {
    begin: (namespace, operation) => begin(namespace, operation),
    scope(scope: Scope) {
      if (scope.namespace !== '') validateIdentifier(scope.namespace, 'namespace');
      return scopedOperations(table, scope, report);
    },
  };
}
