import { Fault } from '@stowage/core';

/**
 * Sums up the whole database, in a value that every batch rewrites. LevelDB opens cheerfully after it lost the
 * middle or the end of its log; what then is left does not add up to the head any more.
 */
export interface Head {
  readonly schema: 1;
  /** Ties the database to the mark beside it. */
  readonly uuid: string;
  /** Batches written so far. */
  readonly sequence: number;
  /** The next id to give out; every lower one was given out before, perhaps in vain. */
  readonly nextId: number;
  /** How many entries there are. */
  readonly count: number;
  /** Exclusive or of the checksums of all entries. */
  readonly sum: number;
}

export function parseHead(text: string): Head {
  const head = JSON.parse(text) as Head;
  if (head.schema !== 1) {
    throw new Fault(
      'failed_precondition',
      `schema ${String(head.schema)} is of a later version; run that, or restore what was here before it`,
    );
  }
  return head;
}
