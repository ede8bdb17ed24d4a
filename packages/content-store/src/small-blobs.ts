import type { Digest } from '@stowage/core';

/** Largest blob that is kept: manifests and configs are smaller, layers hardly ever. */
export const SMALL_BLOB_BYTES = 64 * 1024;
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Small blobs that were read lately, whole. Clients read the same manifests and configs many times over for each
 * container that they make, and each time a file costs four trips to another thread.
 */
export class SmallBlobs {
  /** In order of use, the latest last. */
  readonly #blobs = new Map<Digest, Uint8Array>();
  #bytes = 0;
  #forgotten = 0;

  get(digest: Digest): Uint8Array | undefined {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) return undefined;
    this.#blobs.delete(digest);
    this.#blobs.set(digest, bytes);
    return bytes;
  }

  /** Goes up with each {@link forget}. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** @param asOf - `forgotten` when reading began: what was overtaken by a deletion is not kept. */
  set(digest: Digest, bytes: Uint8Array, asOf: number): void {
    if (asOf !== this.#forgotten) return;
    this.#drop(digest);
    this.#blobs.set(digest, bytes);
    this.#bytes += bytes.byteLength;
    for (const oldest of this.#blobs.keys()) {
      if (this.#bytes <= MAX_BYTES) break;
      this.#drop(oldest);
    }
  }

  /** Of a blob that is not to be served any more. */
  forget(digest: Digest): void {
    this.#forgotten++;
    this.#drop(digest);
  }

  #drop(digest: Digest): void {
    this.#bytes -= this.#blobs.get(digest)?.byteLength ?? 0;
    this.#blobs.delete(digest);
  }
}
