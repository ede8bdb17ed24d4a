import type { CallOptions } from '@stowage/core';
import type { Finding } from './finding.ts';

/** What may be wrong, unless somebody was changing it while it was read. */
export interface Candidate {
  readonly finding: Finding;
  /** The records that it is about. */
  readonly keys: readonly string[];
  /** Whether it is still so. */
  again(options: CallOptions): Promise<boolean>;
}
