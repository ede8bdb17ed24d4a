import { InfoSchema } from '@stowage/api/content/v1';
import { ContentCreateSchema } from '@stowage/api/events';
import type {
  BlobInfo,
  CommitOptions,
  ContentStore,
  ContentWriter,
  IngestStatus,
  WriterOptions,
} from '@stowage/content';
import {
  type CallOptions,
  type Digest,
  Fault,
  type Labels,
  quote,
  type Scope,
  validateLabels,
} from '@stowage/core';
import { blobLock, objectKey } from '../database/keys.ts';
import type { Claim, Ledger } from '../ledger/ledger.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { ensureNamespace, hold, letGo, makingLocks } from '../scope.ts';
import { damageOf } from './damage.ts';
import { dropIngest, freeIngest } from './drop.ts';
import { blobExists, blobOf, blobRecord } from './records.ts';
import type { SharedBlob } from './sharing.ts';

/** What a writer was opened with. */
export interface Opened {
  readonly ledger: Ledger;
  readonly scope: Scope;
  readonly backend: ContentStore;
  readonly options: WriterOptions;
  /** Of the ingest's record. */
  readonly key: string;
  /** The backend's ref. */
  readonly name: string;
  /** Whether the record was there before, so that the backend may have bytes of the ingest. */
  readonly isResumed: boolean;
  readonly claim: Claim;
  /** Opens the backend's own writer for it. */
  readonly reopen: (options: CallOptions) => Promise<ContentWriter>;
  /** The expected blob, if the backend has it for another namespace. */
  readonly shared: SharedBlob | undefined;
}

export class NamespacedWriter implements ContentWriter {
  readonly ref: string;
  readonly #opened: Opened;
  readonly #startedAt: Date;
  /** Undefined while the shared blob stands for what would be written. */
  #writer: ContentWriter | undefined;
  /** The commit under way. A writer that is disposed meanwhile, as by `return writer.commit()`, waits for it. */
  #committing: Promise<unknown> = Promise.resolve();
  /** Why it takes no more calls. */
  #ended: Fault | undefined;

  constructor(opened: Opened, writer: ContentWriter | undefined) {
    this.ref = opened.options.ref;
    this.#opened = opened;
    this.#startedAt = opened.ledger.now();
    this.#writer = writer;
    opened.claim.onAborted = () => this.#end('aborted', 'it was aborted');
  }

  async status(options: CallOptions = {}): Promise<IngestStatus & { readonly digest: Digest }> {
    this.#usable(options);
    const { ref } = this;
    if (this.#writer !== undefined) return { ...(await this.#writer.status(options)), ref };
    const { digest, sizeBytes } = this.#sharedBlob();
    const at = this.#startedAt;
    return {
      ref,
      offset: sizeBytes,
      total: sizeBytes,
      expected: digest,
      digest,
      startedAt: at,
      updatedAt: at,
    };
  }

  async write(bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    this.#usable(options);
    if (this.#writer === undefined && bytes.byteLength === 0) return;
    try {
      await (await this.#unshare(this.#opened.shared?.blob.sizeBytes ?? 0n, options)).write(bytes, options);
    } catch (e) {
      if (e !== options.signal?.reason) await this[Symbol.asyncDispose]();
      throw e;
    }
  }

  async truncate(offset: bigint, options: CallOptions = {}): Promise<void> {
    this.#usable(options);
    await (await this.#unshare(offset, options)).truncate(offset, options);
  }

  commit(options: CommitOptions = {}): Promise<Digest> {
    const committed = this.#commitAndEnd(options);
    this.#committing = committed.catch(() => undefined);
    return committed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#committing;
    await this.#close();
  }

  async #commitAndEnd(options: CommitOptions): Promise<Digest> {
    try {
      return await this.#commit(options);
    } finally {
      await this.#close();
    }
  }

  async #commit({ sizeBytes, expected, labels = {}, signal }: CommitOptions): Promise<Digest> {
    this.#usable({ signal });
    validateLabels(labels);
    const { ledger, scope, backend, options, key } = this.#opened;
    const status = await this.status({ signal });
    const digest = expected ?? options.expected ?? status.digest;
    const total = options.total === 0n ? undefined : options.total;
    this.#checkSize(status.offset, sizeBytes ?? total);
    if (this.#writer === undefined) this.#checkShared(digest);
    const blobKey = objectKey(scope.namespace, 'content', digest);
    // What an earlier writer left, where the shared blob stands for it.
    const isLeft = this.#writer === undefined && this.#opened.isResumed;
    let isDropped = false;
    const committing = ledger.mutate(
      makingLocks(scope, [blobKey, key], [blobLock(digest)]),
      async (tx) => {
        await hold(tx, scope, 'content', digest);
        const stored = await tx.get(InfoSchema, blobKey);
        const known = stored && blobOf(stored.message);
        if (known !== undefined && (await damageOf(backend, known, { signal })) === undefined) {
          await this.#writer?.[Symbol.asyncDispose]();
          dropIngest(tx, scope, this.ref, this.#opened.name);
          tx.refuse(blobExists(digest));
          isDropped = true;
          return;
        }
        await ensureNamespace(tx, scope.namespace);
        await this.#makeBlob(tx, digest, sizeBytes, signal);
        const now = ledger.now();
        const blob = {
          digest,
          sizeBytes: status.offset,
          createdAt: now,
          labels,
          ...(known && repaired(known, labels)),
        };
        tx.put(InfoSchema, blobKey, blobRecord({ ...blob, updatedAt: now }));
        if (isLeft) {
          dropIngest(tx, scope, this.ref, this.#opened.name);
          isDropped = true;
        } else {
          tx.delete(key);
          letGo(tx, scope, 'ingests', this.ref);
        }
        if (known === undefined)
          tx.emit(scope.namespace, '/content/create', ContentCreateSchema, { digest, size: status.offset });
      },
      { signal },
    );
    try {
      await committing;
    } finally {
      if (isDropped) await freeIngest(ledger, backend, this.#opened.name, {});
    }
    return digest;
  }

  /** The backend may have the blob for another namespace, or for one that has just brought it. */
  async #makeBlob(
    tx: Transaction,
    digest: Digest,
    sizeBytes: bigint | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) return;
    const { namespace } = this.#opened.scope;
    await tx.intend(() => ({ act: 'make-blob', digest, namespace }));
    try {
      await writer.commit({ sizeBytes, expected: digest, signal });
    } catch (e) {
      if (!Fault.is(e, 'already_exists')) throw e;
    }
  }

  /** From here on it is an ingest of its own, with the first `offset` bytes of the blob. */
  async #unshare(offset: bigint, options: CallOptions): Promise<ContentWriter> {
    if (this.#writer !== undefined) return this.#writer;
    const { backend } = this.#opened;
    const { digest, sizeBytes } = this.#sharedBlob();
    if (offset > sizeBytes)
      throw new Fault(
        'out_of_range',
        `ingest ${quote(this.ref)}: offset ${offset} is past its end ${sizeBytes}`,
      );
    const writer = await this.#opened.reopen(options);
    try {
      await writer.truncate(0n, options);
      if (offset > 0n)
        for await (const chunk of backend.read(digest, { length: offset }, options))
          await writer.write(chunk, options);
    } catch (e) {
      await writer[Symbol.asyncDispose]();
      throw e;
    }
    this.#writer = writer;
    return writer;
  }

  /** The backend's writer checks it as well, but is not asked where the blob is here already. */
  #checkSize(written: bigint, expected: bigint | undefined): void {
    if (expected === undefined || expected === written) return;
    throw new Fault(
      'failed_precondition',
      `commit ${quote(this.ref)}: ${written} bytes, expected ${expected}`,
    );
  }

  #checkShared(digest: Digest): void {
    const blob = this.#sharedBlob();
    if (digest !== blob.digest)
      throw new Fault(
        'failed_precondition',
        `commit ${quote(this.ref)}: it is ${blob.digest}, not ${digest}`,
      );
  }

  #sharedBlob(): BlobInfo {
    const blob = this.#opened.shared?.blob;
    if (blob === undefined) throw new Fault('internal', `ingest ${quote(this.ref)}: neither writer nor blob`);
    return blob;
  }

  #usable({ signal }: CallOptions): void {
    if (this.#ended !== undefined) throw this.#ended;
    signal?.throwIfAborted();
  }

  #end(kind: 'aborted' | 'failed_precondition', why: string): void {
    this.#ended ??= new Fault(kind, `ingest ${quote(this.ref)}: ${why}; open another writer`);
    const { ledger, key, claim, shared } = this.#opened;
    release(ledger, key, claim);
    shared?.pin[Symbol.dispose]();
  }

  /** The backend's writer first: it must have let go of its ref before ours is free. */
  async #close(): Promise<void> {
    try {
      await this.#writer?.[Symbol.asyncDispose]();
    } finally {
      this.#end('failed_precondition', 'its writer has ended');
    }
  }
}

/** What stays of a record whose bytes were damaged. */
function repaired(
  { createdAt, labels: kept }: BlobInfo,
  labels: Labels,
): Pick<BlobInfo, 'createdAt' | 'labels'> {
  return { createdAt, labels: { ...labels, ...kept } };
}

/** Frees a ref, unless it is somebody else's by now. */
export function release({ openIngests }: Ledger, key: string, claim: Claim): void {
  if (openIngests.get(key) === claim) openIngests.delete(key);
}
