import type {
  BlobInfo,
  ByteRange,
  ContentStore,
  ContentWriter,
  IngestStatus,
  WriterOptions,
} from '@stowage/content';
import {
  type CallOptions,
  cleanLabels,
  compileFilters,
  type Digest,
  Fault,
  type FieldAdaptor,
  type Labels,
  labelsField,
  maskedLabels,
  quote,
  splitMaskPath,
  unknownMaskPath,
  validateLabels,
} from '@stowage/core';
import { type Blob, type Ingest, MemoryWriter } from './memory-writer.ts';

/** Most bytes that are read at once. */
const CHUNK_BYTES = 128 * 1024;

/** Blobs, their labels and ingests in memory. It passes `@stowage/content-conformance`, but is gone with its process. */
export class MemoryContentStore implements ContentStore {
  readonly #blobs = new Map<Digest, Blob>();
  readonly #ingests = new Map<string, Ingest>();
  /** Refs that somebody writes under. */
  readonly #writers = new Map<string, MemoryWriter>();

  async info(digest: Digest, { signal }: CallOptions = {}): Promise<BlobInfo> {
    signal?.throwIfAborted();
    return infoOf(digest, this.#get(digest));
  }

  async update(
    digest: Digest,
    labels: Labels,
    paths?: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<BlobInfo> {
    signal?.throwIfAborted();
    const blob = this.#get(digest);
    const next = updated(blob.labels, labels, paths);
    validateLabels(next);
    const changed = { ...blob, labels: next, updatedAt: new Date() };
    this.#blobs.set(digest, changed);
    return infoOf(digest, changed);
  }

  async *list(filters: readonly string[] = [], { signal }: CallOptions = {}): AsyncGenerator<BlobInfo> {
    const matches = compileFilters(filters);
    for (const [digest, blob] of [...this.#blobs]) {
      signal?.throwIfAborted();
      const info = infoOf(digest, blob);
      if (matches(fieldsOf(info))) yield info;
    }
    signal?.throwIfAborted();
  }

  async delete(digest: Digest, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#get(digest);
    this.#blobs.delete(digest);
  }

  async *read(
    digest: Digest,
    { offset = 0n, length = 0n }: ByteRange = {},
    { signal }: CallOptions = {},
  ): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted();
    const { bytes } = this.#get(digest);
    if (offset > BigInt(bytes.length)) {
      throw new Fault('out_of_range', `read ${digest} from ${offset}: it has ${bytes.length} bytes`);
    }
    const rest = bytes.subarray(Number(offset));
    const wanted = length === 0n ? rest : rest.subarray(0, Number(length));
    for (let at = 0; at < wanted.length; at += CHUNK_BYTES) {
      signal?.throwIfAborted();
      // Whoever reads may keep it, and write into it.
      yield Uint8Array.from(wanted.subarray(at, at + CHUNK_BYTES));
    }
  }

  async status(ref: string, { signal }: CallOptions = {}): Promise<IngestStatus> {
    signal?.throwIfAborted();
    return statusOf(this.#ingest(ref));
  }

  async *statuses(
    filters: readonly string[] = [],
    { signal }: CallOptions = {},
  ): AsyncGenerator<IngestStatus> {
    const matches = compileFilters(filters);
    signal?.throwIfAborted();
    for (const ingest of [...this.#ingests.values()]) {
      if (matches((path) => (path[0] === 'ref' ? ingest.ref : undefined))) yield statusOf(ingest);
    }
  }

  async writer({ ref, total = 0n, expected, signal }: WriterOptions): Promise<ContentWriter> {
    signal?.throwIfAborted();
    if (ref === '') throw new Fault('invalid_argument', 'open writer: ref must not be empty');
    if (total < 0n) {
      throw new Fault('invalid_argument', `open writer ${quote(ref)}: total must not be negative`);
    }
    if (this.#writers.has(ref)) {
      throw new Fault(
        'unavailable',
        `ref ${quote(ref)} locked for writing by somebody else; try again later`,
      );
    }
    if (expected !== undefined && this.#blobs.has(expected)) {
      throw new Fault('already_exists', `open writer ${quote(ref)}: blob ${expected} is here already`);
    }
    const ingest = this.#resumed(ref, total, expected);
    const writer = new MemoryWriter(ingest, total, expected, {
      publish: (digest, blob) => this.#publish(ref, digest, blob),
      free: () => void this.#writers.delete(ref),
    });
    this.#ingests.set(ref, ingest);
    this.#writers.set(ref, writer);
    return writer;
  }

  async abort(ref: string, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#ingest(ref);
    this.#ingests.delete(ref);
    this.#writers.get(ref)?.end(new Fault('aborted', `write ${quote(ref)}: the ingest was aborted`));
  }

  #resumed(ref: string, total: bigint, expected: Digest | undefined): Ingest {
    const left = this.#ingests.get(ref);
    const now = new Date();
    const isOther = left !== undefined && total !== 0n && left.total !== 0n && left.total !== total;
    if (left === undefined || isOther)
      return { ref, total, expected, startedAt: now, updatedAt: now, bytes: Buffer.alloc(0), length: 0 };
    left.expected = expected;
    if (total !== 0n) left.total = total;
    return left;
  }

  /** The ingest goes, whether the blob is new or not. */
  #publish(ref: string, digest: Digest, blob: Blob): void {
    this.#ingests.delete(ref);
    if (this.#blobs.has(digest))
      throw new Fault('already_exists', `commit ${quote(ref)}: blob ${digest} is here already`);
    this.#blobs.set(digest, blob);
  }

  #get(digest: Digest): Blob {
    const blob = this.#blobs.get(digest);
    if (blob === undefined) throw new Fault('not_found', `blob ${digest}: not found`);
    return blob;
  }

  #ingest(ref: string): Ingest {
    const ingest = this.#ingests.get(ref);
    if (ingest === undefined) throw new Fault('not_found', `ingest ${quote(ref)}: not found`);
    return ingest;
  }
}

const infoOf = (digest: Digest, { bytes, labels, createdAt, updatedAt }: Blob): BlobInfo => ({
  ...{ digest, sizeBytes: BigInt(bytes.length), labels, createdAt, updatedAt },
});

const statusOf = ({ ref, length, total, expected, startedAt, updatedAt }: Ingest): IngestStatus => ({
  ...{ ref, offset: BigInt(length), total, expected, startedAt, updatedAt },
});

const fieldsOf =
  ({ digest, labels }: BlobInfo): FieldAdaptor =>
  (path) =>
    path[0] === 'digest' ? digest : path[0] === 'labels' ? labelsField(labels, path) : undefined;

function updated(current: Labels, next: Labels, paths: readonly string[] = []): Labels {
  if (paths.length === 0) return maskedLabels(current, next, undefined);
  let labels: Labels = cleanLabels(current);
  for (const path of paths) {
    const { field, key } = splitMaskPath(path);
    if (field !== 'labels') throw unknownMaskPath(path, 'a blob; only labels can change');
    labels = maskedLabels(labels, next, key);
  }
  return labels;
}
