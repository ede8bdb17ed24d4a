import { EXHAUSTED, errnoOf, Fault, type FaultKind, reasonOf } from '@stowage/core';

const KINDS: Readonly<Record<string, FaultKind>> = {
  ...EXHAUSTED,
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'failed_precondition',
  EBUSY: 'unavailable',
  EIO: 'unavailable',
};

/** Runs file system work; what the system refuses becomes a Fault that names the operation. */
export async function systemFaults<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    const code = errnoOf(e);
    if (Fault.is(e) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw e;
    throw new Fault(KINDS[code] ?? 'unknown', `${operation}: ${reasonOf(e)}`, { cause: e });
  }
}
