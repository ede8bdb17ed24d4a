import type { Client } from '@stowage/client';
import { Fault, reasonOf } from '@stowage/core';
import type { Step } from './report.ts';

/** One namespace, here and there. What is made at either is held by a lease meanwhile. */
export interface Both {
  readonly namespace: string;
  readonly from: Client;
  readonly to: Client;
  readonly dryRun: boolean;
  readonly tell: (step: Step) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Does one thing, and tells what came of it. What fails is told, and others go on; but if one of the daemons is gone, or
 * the signal fired, nothing else would come to anything.
 */
export async function each(
  both: Both,
  thing: Pick<Step, 'kind' | 'name' | 'sizeBytes'>,
  work: () => Promise<Pick<Step, 'state' | 'reason'>>,
): Promise<void> {
  const { namespace, tell, signal } = both;
  signal?.throwIfAborted();
  try {
    tell({ namespace, ...thing, ...(await work()) });
  } catch (e) {
    signal?.throwIfAborted();
    if (Fault.is(e, 'unavailable') && /^connect to /.test(e.message)) throw e;
    tell({ namespace, ...thing, state: 'failed', reason: reasonOf(e) });
  }
}
