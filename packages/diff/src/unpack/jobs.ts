import type { FaultKind, Mount } from '@stowage/core';
import type { RingMemory } from './byte-ring.ts';
import type { HostPlace } from './own-mounts.ts';

/** What a worker is started with. */
export interface ThreadData {
  readonly memory: RingMemory;
  readonly host: HostPlace;
}

/** What a worker is asked for; the bytes come through its ring. */
export interface UnpackJob {
  readonly mounts: readonly Mount[];
  /** An empty directory to mount at. */
  readonly jail: string;
  readonly syncFs: boolean;
}

/** How it went. Errors cross as text, since structured clone would keep no more of a Fault. */
export type UnpackOutcome =
  | {
      readonly status: 'done';
      readonly digest: string;
      readonly sizeBytes: bigint;
      readonly needsBelow: boolean;
    }
  | { readonly status: 'aborted' }
  | { readonly status: 'failed'; readonly kind: FaultKind | undefined; readonly message: string }
  /** The worker is not where it should be and must end. */
  | { readonly status: 'broken'; readonly code: string | undefined; readonly message: string };
