import type { FaultKind, Mount } from '@stowage/core';

/** What a child is asked for, as its only argument, in JSON. */
export type LayerJob =
  /** The archive comes on standard input. */
  | {
      readonly do: 'unpack';
      readonly jail: string;
      readonly mounts: readonly Mount[];
      readonly syncFs: boolean;
    }
  /** The archive goes to standard output. */
  | {
      readonly do: 'pack';
      readonly directory: string;
      readonly left: readonly Mount[];
      readonly right: readonly Mount[];
      /** ISO 8601. */
      readonly sourceDateEpoch?: string | undefined;
      readonly comparesAll: boolean;
    };

/** How it went: one line of JSON at {@link OUTCOME_FD}, the last thing that a child does. */
export type LayerOutcome =
  | {
      readonly status: 'done';
      readonly digest: string;
      /** Decimal. */
      readonly sizeBytes: string;
      readonly needsBelow: boolean;
    }
  /** What was packed so far came to nothing: the trees have to be compared. */
  | { readonly status: 'not-plain' }
  | { readonly status: 'failed'; readonly kind: FaultKind | undefined; readonly message: string };

export const OUTCOME_FD = 3;
