import type { CallOptions, Digest, Scoped, Slot } from '@stowage/core';
import type { ContentStore } from './content-store.ts';

/**
 * Reads blobs again, to see whether the disk still has what was written.
 *
 * A blob that is found damaged is served to nobody until it was repaired: `info` and `read` are `data_loss`, and a
 * writer of it opens as if it were absent. Committing the right bytes repairs it, labels and all.
 */
export interface ContentVerifier {
  /**
   * Hashes blobs, one after the other, reading each from front to back. What a store remembers to be damaged is hashed
   * as well, and served again if it is whole after all.
   *
   * @param digests - Which; all that there are, if none are named.
   * @returns for each blob how far it is from time to time, and then how it was found. A blob that goes meanwhile is
   *   left out.
   * @throws Fault `not_found` for a named blob that nobody knows.
   */
  verify(digests?: readonly Digest[], options?: CallOptions): AsyncIterable<BlobCheck>;

  /** What is known to be damaged. Nothing is read. */
  damaged(options?: CallOptions): AsyncIterable<BlobCheck>;
}

export interface BlobCheck {
  readonly digest: Digest;
  /** As it should be, where a record says so; else as it is on disk. */
  readonly sizeBytes: bigint;
  /** Read so far. */
  readonly checkedBytes: bigint;
  /** `running` while there is more to read; `missing` where a record names a blob of which there is nothing. */
  readonly state: 'running' | Wholeness;
  /** What is wrong, for people; empty while nothing is. */
  readonly reason: string;
}

export type Wholeness = 'whole' | 'corrupt' | 'missing';

/**
 * Stands in the labels of a damaged blob when blobs are listed, with the reason as its value, so that lists of any
 * client tell. It is not kept: it can't be set, nor removed but by a repair.
 */
export const DAMAGED_LABEL = 'stowage.content/damaged';

/** The verifier that clients see: by namespace. */
export const verificationServiceSlot: Slot<Scoped<ContentVerifier>> = {
  type: 'io.containerd.service.v1',
  id: 'verification-service',
  api: 1,
};

/** What verifies a store, if it can do that itself. {@link verifyByReading} does without. */
export function verifierOf(store: ContentStore): ContentVerifier | undefined {
  return isVerifier(store) ? store : undefined;
}

function isVerifier(store: object): store is ContentVerifier {
  const { verify, damaged } = store as Partial<ContentVerifier>;
  return typeof verify === 'function' && typeof damaged === 'function';
}
