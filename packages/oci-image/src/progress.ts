import type { Descriptor } from '@stowage/core';

/** One step of one blob's way. */
export interface Progress {
  readonly stage: 'fetch' | 'unpack';
  readonly descriptor: Descriptor;
  /** `exists`: nothing had to be done. */
  readonly state: 'running' | 'done' | 'exists';
  /** Bytes of the blob so far, of `descriptor.size`. */
  readonly bytes: bigint;
}

export type OnProgress = (progress: Progress) => void;
