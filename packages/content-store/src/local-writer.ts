import type { FileHandle } from 'node:fs/promises';
import type { CommitOptions, ContentWriter, IngestStatus } from '@stowage/content';
import { algorithmOf, type CallOptions, type Digest, type Digester, Fault, quote } from '@stowage/core';
import { appendHashed, hashFile } from './file-bytes.ts';
import type { IngestRecord } from './ingest-record.ts';
import type { RefHold } from './ref-holds.ts';
import { storageFault } from './storage-fault.ts';

/** An ingest that was opened: its one descriptor, and the hash of what is in the file. */
export interface OpenIngest {
  readonly record: IngestRecord;
  readonly handle: FileHandle;
  readonly digester: Digester;
  readonly updatedAt: Date;
}

/** Makes the file of an ingest the blob of a digest and closes it; see `publishBlob`. */
export type Publish = (handle: FileHandle, ref: string, digest: Digest) => Promise<void>;

/** What this writer, not one before it, was opened to write. */
export type CommitDefaults = Pick<CommitOptions, 'sizeBytes' | 'expected'>;

/** The writer of a {@link LocalContentStore}. Its first failed write or commit ends it; the ingest stays. */
export class LocalWriter implements ContentWriter {
  readonly #record: IngestRecord;
  readonly #commitDefaults: CommitDefaults;
  readonly #hold: RefHold;
  readonly #publish: Publish;
  #digester: Digester;
  #updatedAt: Date;
  /** Bytes at the front that a writer before this one left. */
  #inherited: bigint;
  /** Undefined once ended. */
  #handle: FileHandle | undefined;
  /** Settles with the call before; never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ingest: OpenIngest, commitDefaults: CommitDefaults, hold: RefHold, publish: Publish) {
    this.#record = ingest.record;
    this.#digester = ingest.digester;
    this.#inherited = ingest.digester.sizeBytes;
    this.#updatedAt = ingest.updatedAt;
    this.#handle = ingest.handle;
    this.#commitDefaults = commitDefaults;
    this.#hold = hold;
    this.#publish = publish;
    hold.signal.addEventListener('abort', this.#onEvicted, { once: true });
  }

  get ref(): string {
    return this.#record.ref;
  }

  status({ signal }: CallOptions = {}): Promise<IngestStatus & { readonly digest: Digest }> {
    return this.#turn(signal, async () => {
      const digest = this.#digester.digest();
      return { ...this.#record, offset: this.#digester.sizeBytes, updatedAt: this.#updatedAt, digest };
    });
  }

  write(bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    return this.#turn(signal, async (handle) => {
      try {
        await appendHashed(handle, this.#digester, bytes, signal);
        this.#updatedAt = new Date();
      } catch (e) {
        // File and hash may differ now; opening the ingest again hashes what is really there.
        if (!signal?.aborted || e !== signal.reason) await this.#end();
        throw e;
      }
    });
  }

  truncate(offset: bigint, { signal }: CallOptions = {}): Promise<void> {
    return this.#turn(signal, async (handle) => {
      const { sizeBytes } = this.#digester;
      if (offset < 0n || offset > sizeBytes) {
        throw new Fault(
          'out_of_range',
          `truncate ${quote(this.ref)} to ${offset}: it has ${sizeBytes} bytes`,
        );
      }
      if (offset === sizeBytes) return;
      const algorithm = algorithmOf(this.#digester.digest());
      const kept = await hashFile(handle, algorithm, { length: offset, signal });
      await handle.truncate(Number(offset));
      this.#digester = kept;
      if (offset < this.#inherited) this.#inherited = offset;
      this.#updatedAt = new Date();
    });
  }

  commit(options: CommitOptions = {}): Promise<Digest> {
    const {
      sizeBytes = this.#commitDefaults.sizeBytes,
      expected = this.#commitDefaults.expected,
      signal,
    } = options;
    return this.#turn(signal, async (handle) => {
      try {
        const written = this.#digester.sizeBytes;
        if (sizeBytes !== undefined && sizeBytes !== written) {
          throw new Fault(
            'failed_precondition',
            `commit ${quote(this.ref)}: ${written} bytes, expected ${sizeBytes}`,
          );
        }
        const digest = await this.#digestLike(expected, handle, signal);
        if (expected !== undefined && expected !== digest)
          throw await this.#mismatch(handle, digest, expected);
        signal?.throwIfAborted();
        await this.#publish(handle, this.ref, digest);
        return digest;
      } finally {
        await this.#end();
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#end();
  }

  /** The digest in the algorithm of `expected`, which may differ from the one that was hashed with so far. */
  async #digestLike(expected: Digest | undefined, handle: FileHandle, signal: AbortSignal | undefined) {
    const digest = this.#digester.digest();
    if (expected === undefined || algorithmOf(expected) === algorithmOf(digest)) return digest;
    return (await hashFile(handle, algorithmOf(expected), { signal })).digest();
  }

  /**
   * Bytes that an earlier writer left are synced by nobody, so a power cut may have made zeros of them. They are dropped
   * once they may be what is wrong: else whoever resumes the ingest would fail for ever, as clients of containerd do.
   */
  async #mismatch(handle: FileHandle, digest: Digest, expected: Digest): Promise<Fault> {
    const dropped = this.#inherited > 0n;
    if (dropped) await handle.truncate(0);
    const advice = dropped ? '; what an earlier writer had left is dropped, write it again' : '';
    return new Fault(
      'failed_precondition',
      `commit ${quote(this.ref)}: ${digest}, expected ${expected}${advice}`,
    );
  }

  /** Runs calls one after the other, though the owner, an eviction and a disposal may come at the same time. */
  #turn<T>(signal: AbortSignal | undefined, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      signal?.throwIfAborted();
      this.#hold.signal.throwIfAborted();
      if (this.#handle === undefined) {
        throw new Fault(
          'failed_precondition',
          `write ${quote(this.ref)}: this writer is closed, open another`,
        );
      }
      try {
        return await work(this.#handle);
      } catch (e) {
        throw storageFault(e, `write ${quote(this.ref)}`);
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  readonly #onEvicted = () => {
    // A failing close(2) matters to nobody here: whoever opens the ingest again hashes what is in the file.
    this[Symbol.asyncDispose]().catch(() => {});
  };

  async #end(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    this.#hold.signal.removeEventListener('abort', this.#onEvicted);
    try {
      // Closed already where the ingest became a blob; closing twice does nothing.
      await handle.close();
    } finally {
      this.#hold.release();
    }
  }
}
