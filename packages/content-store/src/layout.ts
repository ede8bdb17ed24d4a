import path from 'node:path';
import { algorithmOf, type Digest, type DigestAlgorithm, digestOf, hexOf } from '@stowage/core';

export const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha384', 'sha512'];

/**
 * Where things are below the directory of a store:
 *
 *     blobs/<algorithm>/<hex>        a blob, as in an OCI image layout, mode 0444
 *     corrupt/<algorithm>/<hex>      what became of a blob whose bytes the disk did not keep
 *     ingest/<sha256 of ref>/data    the bytes of an ingest so far
 *     ingest/<sha256 of ref>/status  what else is known of it (see ingest-record.ts)
 *
 * Refs are hashed because they are any text, and longer than a file name may be.
 */
export class Layout {
  readonly blobs: string;
  readonly corrupt: string;
  readonly ingests: string;

  constructor(directory: string) {
    this.blobs = path.join(directory, 'blobs');
    this.corrupt = path.join(directory, 'corrupt');
    this.ingests = path.join(directory, 'ingest');
  }

  blobsOf(algorithm: DigestAlgorithm): string {
    return path.join(this.blobs, algorithm);
  }

  blob(digest: Digest): string {
    return path.join(this.blobs, algorithmOf(digest), hexOf(digest));
  }

  corruptOf(algorithm: DigestAlgorithm): string {
    return path.join(this.corrupt, algorithm);
  }

  corruptBlob(digest: Digest): string {
    return path.join(this.corrupt, algorithmOf(digest), hexOf(digest));
  }

  ingest(ref: string): string {
    return path.join(this.ingests, hexOf(digestOf(ref)));
  }
}

export function dataIn(ingest: string): string {
  return path.join(ingest, 'data');
}

export function statusIn(ingest: string): string {
  return path.join(ingest, 'status');
}
