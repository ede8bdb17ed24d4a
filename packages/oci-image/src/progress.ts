import type { Descriptor } from '@stowage/core';

/** One step of one blob's way. */
export interface Progress {
  readonly stage: 'fetch' | 'unpack' | 'push' | 'convert';
  readonly descriptor: Descriptor;
  /** `exists`: nothing had to be done. `mounted`: the registry took it from another of its repositories. */
  readonly state: 'running' | 'done' | 'exists' | 'mounted';
  /** Bytes of the blob so far, of `descriptor.size`. */
  readonly bytes: bigint;
}

export type OnProgress = (progress: Progress) => void;
