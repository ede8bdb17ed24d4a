import { errnoOf, Fault, type FaultKind } from '@stowage/core';

export const EXIT_FAILED = 1;
/** sysexits.h EX_SOFTWARE: a fault of ours; worth a restart and a report. */
export const EXIT_BUG = 70;
/** sysexits.h EX_CONFIG: a service manager need not try again. */
export const EXIT_CONFIG = 78;

/** Nothing but a person can help: a wrong config, damaged data, or data of a newer Stowage. */
const FOR_A_PERSON: readonly FaultKind[] = ['data_loss', 'unimplemented'];

export function exitCodeOf(e: unknown): number {
  if (!Fault.is(e)) return errnoOf(e) === undefined ? EXIT_BUG : EXIT_FAILED;
  if (e.kind === 'invalid_argument' || e.kind === 'not_found') return EXIT_CONFIG;
  // A plugin that the daemon needs failed: its reason is the cause of the engine's.
  for (let at: unknown = e; Fault.is(at); at = at.cause)
    if (FOR_A_PERSON.includes(at.kind)) return EXIT_CONFIG;
  return EXIT_FAILED;
}
