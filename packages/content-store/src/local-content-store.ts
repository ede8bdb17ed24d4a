import {
  type BlobCheck,
  type BlobInfo,
  type ByteRange,
  type ContentStore,
  type ContentVerifier,
  type ContentWriter,
  DAMAGED_LABEL,
  type IngestStatus,
  type WriterOptions,
} from '@stowage/content';
import {
  type CallOptions,
  compileFilters,
  type Digest,
  Fault,
  type Labels,
  labelsField,
  quote,
} from '@stowage/core';
import { BlobFiles } from './blob-files.ts';
import { makeDirectory } from './durable.ts';
import { IngestFiles, noIngest } from './ingest-files.ts';
import { Layout } from './layout.ts';
import { LocalWriter } from './local-writer.ts';
import { digestsIn } from './names-in.ts';
import { readBlobFile } from './read-blob.ts';
import { type RefHold, RefHolds } from './ref-holds.ts';
import { verifyBlobFile } from './verify-blobs.ts';

export interface LocalContentStoreOptions extends CallOptions {
  /** Size of the chunks that `read` gives. */
  readonly readChunkBytes?: number | undefined;
}

/**
 * Blobs and ingests as files in a directory of their own, laid out like the blobs of an OCI image layout.
 *
 * It has no namespaces and keeps no labels: those given to `commit` are dropped, and `update` is `unimplemented`.
 * One process at a time may have a directory open.
 */
export class LocalContentStore implements ContentStore, ContentVerifier, AsyncDisposable {
  readonly #blobs: BlobFiles;
  readonly #ingests: IngestFiles;
  readonly #holds = new RefHolds();
  readonly #layout: Layout;
  readonly #chunkBytes: number;
  #closed = false;

  private constructor(layout: Layout, readChunkBytes: number) {
    this.#layout = layout;
    this.#chunkBytes = readChunkBytes;
    this.#blobs = new BlobFiles(layout);
    this.#ingests = new IngestFiles(layout);
  }

  /** Opens the store in a directory, which is made if it is missing, and clears away what a crash left there. */
  static async open(directory: string, options: LocalContentStoreOptions = {}): Promise<LocalContentStore> {
    const { readChunkBytes = 128 * 1024, signal } = options;
    signal?.throwIfAborted();
    const layout = new Layout(directory);
    await makeDirectory(layout.blobs);
    await makeDirectory(layout.ingests);
    const store = new LocalContentStore(layout, readChunkBytes);
    await store.#blobs.clean();
    await store.#ingests.clean();
    return store;
  }

  async info(digest: Digest, { signal }: CallOptions = {}): Promise<BlobInfo> {
    this.#check(signal);
    return this.#blobs.info(digest, signal);
  }

  async update(
    digest: Digest,
    _labels: Labels,
    _paths?: readonly string[],
    options?: CallOptions,
  ): Promise<never> {
    await this.info(digest, options);
    throw new Fault('unimplemented', `update ${digest}: this store keeps no labels`);
  }

  async *list(filters: readonly string[] = [], { signal }: CallOptions = {}): AsyncGenerator<BlobInfo> {
    this.#check(signal);
    const matches = compileFilters(filters);
    for await (const info of this.#blobs.list({ signal })) {
      const fields = (path: readonly string[]) =>
        path[0] === 'digest'
          ? info.digest
          : path[0] === 'labels'
            ? labelsField(info.labels, path)
            : undefined;
      if (matches(fields)) yield info;
    }
  }

  async delete(digest: Digest, { signal }: CallOptions = {}): Promise<void> {
    this.#check(signal);
    await this.#blobs.delete(digest, signal);
  }

  async *read(
    digest: Digest,
    range: ByteRange = {},
    { signal }: CallOptions = {},
  ): AsyncGenerator<Uint8Array> {
    this.#check(signal);
    yield* readBlobFile(this.#blobs, digest, range, { chunkBytes: this.#chunkBytes, signal });
  }

  async *verify(digests: readonly Digest[] = [], { signal }: CallOptions = {}): AsyncGenerator<BlobCheck> {
    this.#check(signal);
    for (const digest of digests) yield* verifyBlobFile(this.#blobs, digest, { signal });
    if (digests.length > 0) return;
    for (const where of ['corrupt', 'blobs'] as const) {
      for await (const digest of digestsIn(this.#layout, where)) yield* this.#verifyIfThere(digest, signal);
    }
  }

  async *damaged({ signal }: CallOptions = {}): AsyncGenerator<BlobCheck> {
    this.#check(signal);
    for await (const { digest, sizeBytes, labels } of this.#blobs.listDamaged({ signal })) {
      const reason = labels[DAMAGED_LABEL] ?? '';
      yield { digest, sizeBytes, checkedBytes: 0n, state: 'corrupt', reason };
    }
  }

  async *#verifyIfThere(digest: Digest, signal: AbortSignal | undefined): AsyncGenerator<BlobCheck> {
    try {
      yield* verifyBlobFile(this.#blobs, digest, { signal });
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
    }
  }

  async status(ref: string, { signal }: CallOptions = {}): Promise<IngestStatus> {
    this.#check(signal);
    const status = await this.#ingests.find(ref);
    if (status === undefined) throw noIngest('status', ref);
    return status;
  }

  async *statuses(
    filters: readonly string[] = [],
    { signal }: CallOptions = {},
  ): AsyncGenerator<IngestStatus> {
    this.#check(signal);
    const matches = compileFilters(filters);
    for await (const status of this.#ingests.list({ signal })) {
      if (matches((path) => (path[0] === 'ref' ? status.ref : undefined))) yield status;
    }
  }

  async writer(options: WriterOptions): Promise<ContentWriter> {
    const { ref, total, expected, signal } = options;
    this.#check(signal);
    if (ref === '') throw new Fault('invalid_argument', 'open writer: ref must not be empty');
    if (total !== undefined && total < 0n) {
      throw new Fault('invalid_argument', `open writer ${quote(ref)}: total must not be negative`);
    }
    const hold = this.#holds.take(ref);
    try {
      if (expected !== undefined && (await this.#blobs.has(expected))) {
        throw new Fault('already_exists', `open writer ${quote(ref)}: blob ${expected} is here already`);
      }
      return await this.#openWriter(options, hold);
    } catch (e) {
      hold.release();
      throw e;
    }
  }

  async #openWriter({ signal, ...options }: WriterOptions, hold: RefHold): Promise<ContentWriter> {
    const either = signal === undefined ? hold.signal : AbortSignal.any([signal, hold.signal]);
    either.throwIfAborted();
    const ingest = await this.#ingests.open({ ...options, signal: either });
    const { total, expected } = options;
    const defaults = { sizeBytes: total === 0n ? undefined : total, expected };
    const writer = new LocalWriter(ingest, defaults, hold, (handle, ref, digest) =>
      this.#blobs.publish(this.#layout.ingest(ref), handle, digest),
    );
    if (!either.aborted) return writer;
    await writer[Symbol.asyncDispose]();
    throw either.reason;
  }

  /** Takes the ref from whoever writes under it: a client that hung up may not have been noticed yet. */
  async abort(ref: string, { signal }: CallOptions = {}): Promise<void> {
    this.#check(signal);
    const aborted = new Fault('aborted', `write ${quote(ref)}: the ingest was aborted`);
    const hold = await this.#holds.seize(ref, aborted);
    try {
      await this.#ingests.remove(ref);
    } finally {
      hold.release();
    }
  }

  /** Ends all writers; their ingests stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#holds.evictAll((ref) => closed(`write ${quote(ref)}`));
    await this.#blobs.close();
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed) throw closed('content');
  }
}

function closed(operation: string): Fault {
  return new Fault('failed_precondition', `${operation}: the store is closed`);
}
