import { Fault } from '@stowage/core';

/**
 * Waits for a backend to delete something.
 *
 * @returns whether it is gone, or never was. A backend that refuses for now (children, an open writer) is asked again
 *   next time.
 * @throws what else the backend throws.
 */
export async function isGone(deleting: Promise<void>): Promise<boolean> {
  try {
    await deleting;
    return true;
  } catch (e) {
    if (Fault.is(e, 'not_found')) return true;
    if (Fault.is(e, 'failed_precondition') || Fault.is(e, 'unavailable')) return false;
    throw e;
  }
}
