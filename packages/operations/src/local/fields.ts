import type { FieldAdaptor } from '@stowage/core';
import type { LocalOperation } from './local-operation.ts';

/** @param use - of one that is watched, what it is filtered by must not change. */
export function operationFields(
  operation: LocalOperation,
  use: 'listed' | 'watched' = 'listed',
): FieldAdaptor {
  return ([field, ...rest]) => {
    if (rest.length > 0) return undefined;
    switch (field) {
      case 'id':
        return operation.id;
      case 'kind':
        return operation.kind;
      case 'namespace':
        return operation.namespace || undefined;
      case 'subject':
        return operation.subject || undefined;
      case 'started_by':
        return operation.startedBy || undefined;
      case 'state':
        return use === 'listed' ? operation.state : undefined;
      default:
        return undefined;
    }
  };
}
