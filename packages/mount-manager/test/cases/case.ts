import { Fault, type FaultKind, type Mount } from '@stowage/core';
import type { MountManager } from '@stowage/mounts';
import type { Workplace } from '../workplace.ts';

export interface CaseContext {
  readonly at: Workplace;
  mounts(): MountManager;
  /** Disposes the manager and opens the same directory again. */
  reopen(): Promise<void>;
}

/** One rule of the contract, put to the test. */
export interface Case {
  readonly id: string;
  run(context: CaseContext): Promise<void>;
}

export const tmpfs: Mount = { type: 'format/tmpfs', source: 'tmpfs', options: ['size=1m'] };

/** A tmpfs that is active, because the one after it is formatted. */
export const pair: readonly Mount[] = [
  { type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] },
  { type: 'format/bind', source: '{{ mount 0 }}', options: ['rbind'] },
];

export function loopOf(image: string, ...options: string[]): Mount {
  return { type: 'loop', source: image, options };
}

/** Passes if the call is refused with the kind. */
export async function refused(kind: FaultKind, call: () => Promise<unknown>): Promise<Fault> {
  let value: unknown;
  try {
    value = await call();
  } catch (e) {
    if (Fault.is(e, kind)) return e;
    throw new Error(`expected ${kind}`, { cause: e });
  }
  throw new Error(`expected ${kind}, but it gave ${JSON.stringify(value)}`);
}
