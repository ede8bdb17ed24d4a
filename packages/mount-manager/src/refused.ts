import { errnoOf, Fault, type FaultKind, reasonOf } from '@stowage/core';

const KINDS: Readonly<Record<string, FaultKind>> = {
  E2BIG: 'invalid_argument',
  EINVAL: 'invalid_argument',
  ELOOP: 'invalid_argument',
  ENAMETOOLONG: 'invalid_argument',
  ENODEV: 'invalid_argument',
  ENOTBLK: 'invalid_argument',
  ENOTDIR: 'invalid_argument',
  EXDEV: 'invalid_argument',
  EAGAIN: 'unavailable',
  ENOMEM: 'resource_exhausted',
  ENOSPC: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  EPERM: 'permission_denied',
};

/**
 * What the kernel said to a mount, for a caller who can only read: its own reason in the message. A file that is missing is
 * `failed_precondition`, since `not_found` speaks of activations and leases.
 */
export function refused(operation: string, e: unknown): unknown {
  const code = errnoOf(e);
  if (Fault.is(e) || code === undefined) return e;
  return new Fault(KINDS[code] ?? 'failed_precondition', `${operation}: ${reasonOf(e)}`, { cause: e });
}
