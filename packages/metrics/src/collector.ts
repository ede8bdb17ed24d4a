import type { CallOptions } from '@stowage/core';
import type { Family } from './exposition.ts';

/** Has figures when it is asked for them. */
export interface Collector {
  /** One word, for the figures about collecting. */
  readonly name: string;
  collect(options: CallOptions): Promise<readonly Family[]> | readonly Family[];
}
