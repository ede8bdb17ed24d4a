import { Fault, reasonOf } from '@stowage/core';
import type { OperationError } from './operations.ts';

/** What an operation failed with, as others are told. */
export function problemOf(failure: unknown): OperationError {
  if (Fault.is(failure)) return { kind: failure.kind, message: failure.message };
  const message = reasonOf(failure);
  switch ((failure as Partial<Error> | null | undefined)?.name) {
    case 'AbortError':
      return { kind: 'canceled', message };
    case 'TimeoutError':
      return { kind: 'deadline_exceeded', message };
    default:
      return { kind: 'unknown', message };
  }
}
