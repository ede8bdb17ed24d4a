import type { CallOptions, Descriptor, Digest, Labels, Scoped, Slot } from '@stowage/core';

/**
 * Blobs by digest, and the ingests they come from.
 *
 * A blob is immutable and named by the hash of its bytes. It comes into being by an *ingest*: a writer opened
 * under a *ref* (any text that its writer picks, such as `layer-sha256:…`), filled from front to back, and
 * committed. An ingest that was not committed stays, across restarts, until it is resumed under the same ref,
 * aborted, or expires. One writer may hold a ref at a time.
 *
 * A local store has no namespaces and keeps no labels unless it says so; the namespaced form, over any store,
 * adds both. All forms pass `@stowage/content-conformance`.
 *
 * @see containerd core/content/content.go
 */
export interface ContentStore {
  /** @throws Fault `not_found`; `data_loss` for a blob that is known to be damaged: writing it again repairs it. */
  info(digest: Digest, options?: CallOptions): Promise<BlobInfo>;

  /**
   * Changes labels, the only thing about a blob that can change.
   *
   * @param paths - `labels` or `labels.<key>`; none replaces all labels.
   * @throws Fault `not_found`; `invalid_argument` for another path or a label too long.
   */
  update(digest: Digest, labels: Labels, paths?: readonly string[], options?: CallOptions): Promise<BlobInfo>;

  /**
   * Blobs that match any of the filters (fields `digest`, `labels`), in no given order.
   *
   * @throws Fault `invalid_argument` for a filter that can't be parsed.
   */
  list(filters?: readonly string[], options?: CallOptions): AsyncIterable<BlobInfo>;

  /** @throws Fault `not_found` */
  delete(digest: Digest, options?: CallOptions): Promise<void>;

  /**
   * The bytes of a blob, in chunks of the store's choosing.
   *
   * @throws Fault `not_found`; `out_of_range` if the offset is past the end. A length that reaches past the end
   *   is clipped; a length of 0 or none means "to the end". `data_loss`, at the latest before the last chunk, from a
   *   store that verifies what it reads, if the bytes of a whole read are not those that were written.
   */
  read(digest: Digest, range?: ByteRange, options?: CallOptions): AsyncIterable<Uint8Array>;

  /** @throws Fault `not_found` if nothing was ingested under the ref. */
  status(ref: string, options?: CallOptions): Promise<IngestStatus>;

  /** Ingests under way or left behind that match any of the filters (field `ref`). */
  statuses(filters?: readonly string[], options?: CallOptions): AsyncIterable<IngestStatus>;

  /**
   * Opens the writer of a ref, new or where it was left.
   *
   * @throws Fault `already_exists` if `expected` is here already (then nothing need be written);
   *   `unavailable` while somebody else holds the ref ("locked for …"): try again later.
   */
  writer(options: WriterOptions): Promise<ContentWriter>;

  /** Drops an ingest and its bytes, and ends its writer if there is one. @throws Fault `not_found` */
  abort(ref: string, options?: CallOptions): Promise<void>;
}

export interface BlobInfo {
  readonly digest: Digest;
  readonly sizeBytes: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly labels: Labels;
}

export interface ByteRange {
  /** First byte, counted from 0. */
  readonly offset?: bigint | undefined;
  readonly length?: bigint | undefined;
}

export interface IngestStatus {
  readonly ref: string;
  /** Bytes that are safely here; the next write goes there. */
  readonly offset: bigint;
  /** Bytes in all; 0 if unknown. */
  readonly total: bigint;
  readonly expected?: Digest | undefined;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

export interface WriterOptions extends CallOptions {
  readonly ref: string;
  /** Bytes in all, if known. An ingest that was begun with another total starts anew. */
  readonly total?: bigint | undefined;
  readonly expected?: Digest | undefined;
}

export interface CommitOptions extends CallOptions {
  /** @throws Fault `failed_precondition` if another number of bytes was written. Default: the writer's `total`. */
  readonly sizeBytes?: bigint | undefined;
  /** @throws Fault `failed_precondition` if the bytes hash to something else. Default: the writer's `expected`. */
  readonly expected?: Digest | undefined;
  readonly labels?: Labels | undefined;
}

/**
 * The only writer of its ref, until it ends: when disposed, with its `commit` (whatever comes of that), when a write
 * fails, or when the ingest is aborted under it. Then the ref is free, and calls are `failed_precondition` (after an
 * abort `aborted`). Ending without a blob keeps the ingest for a later resume. Calls are made one after the other.
 */
export interface ContentWriter extends AsyncDisposable {
  readonly ref: string;

  /** Where the ingest stands. `digest` is of the bytes so far, sha256 unless `expected` asks for another. */
  status(options?: CallOptions): Promise<IngestStatus & { readonly digest: Digest }>;

  /** Appends. The bytes are copied or written before it settles, so the buffer may be used again. */
  write(bytes: Uint8Array, options?: CallOptions): Promise<void>;

  /**
   * Drops what is behind `offset`.
   *
   * @throws Fault `out_of_range` if there is less; `unimplemented` from a remote store unless `offset` is 0 or where
   *   the ingest stands, because content.v1 can't say anything else.
   */
  truncate(offset: bigint, options?: CallOptions): Promise<void>;

  /**
   * Makes the ingest a blob. When this settles, the blob survives a power cut.
   *
   * @returns the digest of the bytes.
   * @throws Fault `failed_precondition` on a mismatch (the ingest stays); `already_exists` if the blob is here
   *   (the ingest is gone: success for whoever only wants the blob).
   */
  commit(options?: CommitOptions): Promise<Digest>;
}

/** The backend: one store of bytes for the whole daemon. */
export const contentSlot: Slot<ContentStore> = { type: 'io.containerd.content.v1', api: 1 };

/** The store as clients see it: by namespace and lease. */
export const contentServiceSlot: Slot<Scoped<ContentStore>> = {
  type: 'io.containerd.service.v1',
  id: 'content-service',
  api: 1,
};

/** Points at a blob of a store. */
export function descriptorOf(info: BlobInfo, mediaType: string): Descriptor {
  return { mediaType, digest: info.digest, size: info.sizeBytes };
}
