import type { FaultKind, Mount } from '@stowage/core';
import type { OverlayPrefix } from './xattrs.ts';

/** What a worker is started with; it does this and ends. */
export interface PackJob {
  readonly left: readonly Mount[];
  readonly right: readonly Mount[];
  /** Set if `right` is the upper directory of an overlay over what `left` shows. */
  readonly upper: OverlayPrefix | undefined;
  /** Two empty directories to mount at. */
  readonly places: { readonly left: string; readonly right: string };
  readonly mostMtimeNs: bigint | undefined;
  /** Int32 words: see {@link WORD}. */
  readonly control: SharedArrayBuffer;
}

export const WORD = {
  /** Pieces that the worker may still send. */
  credits: 0,
  /** 1 once the work is given up. */
  aborted: 1,
} as const;

/** What a worker sends: pieces of the archive, then how it went. */
export type PackMessage = { readonly piece: Uint8Array<ArrayBuffer> } | { readonly outcome: PackOutcome };

/** Errors cross as text, since structured clone would keep no more of a Fault. */
export type PackOutcome =
  | { readonly status: 'done'; readonly digest: string; readonly sizeBytes: bigint }
  | { readonly status: 'aborted' }
  /** The upper directory refers to what is elsewhere: the trees have to be compared. */
  | { readonly status: 'not-plain' }
  | { readonly status: 'failed'; readonly kind: FaultKind | undefined; readonly message: string };
