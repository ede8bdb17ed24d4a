import { errnoOf, Fault, type FaultKind, reasonOf } from '@stowage/core';

const KIND_OF: Readonly<Record<string, FaultKind>> = {
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted',
  EROFS: 'failed_precondition',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
};

/** What a failed system call means to a caller. Anything that is no system error comes back as it is. */
export function storageFault(e: unknown, operation: string): unknown {
  const code = errnoOf(e);
  if (Fault.is(e) || code === undefined || !code.startsWith('E') || code.startsWith('ERR_')) return e;
  return new Fault(KIND_OF[code] ?? 'unknown', `${operation}: ${reasonOf(e)}`, { cause: e });
}
