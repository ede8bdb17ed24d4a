import type { CommitOptions, ContentWriter, IngestStatus } from '@stowage/content';
import {
  algorithmOf,
  type CallOptions,
  cleanLabels,
  type Digest,
  Digester,
  Fault,
  type Labels,
  quote,
  validateLabels,
} from '@stowage/core';

export interface Blob {
  readonly bytes: Uint8Array;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface Ingest {
  readonly ref: string;
  total: bigint;
  expected: Digest | undefined;
  readonly startedAt: Date;
  updatedAt: Date;
  /** With room for more at its end. */
  bytes: Buffer;
  length: number;
}

interface Store {
  readonly publish: (digest: Digest, blob: Blob) => void;
  readonly free: () => void;
}

/** The writer of one ref of a {@link MemoryContentStore}. */
export class MemoryWriter implements ContentWriter {
  readonly ref: string;
  readonly #ingest: Ingest;
  readonly #total: bigint;
  readonly #expected: Digest | undefined;
  readonly #store: Store;
  #ended: Fault | undefined;

  constructor(ingest: Ingest, total: bigint, expected: Digest | undefined, store: Store) {
    this.ref = ingest.ref;
    this.#ingest = ingest;
    this.#total = total;
    this.#expected = expected;
    this.#store = store;
  }

  async status({ signal }: CallOptions = {}): Promise<IngestStatus & { readonly digest: Digest }> {
    this.#check(signal);
    const { ref, total, expected, startedAt, updatedAt, length } = this.#ingest;
    return {
      ref,
      offset: BigInt(length),
      total,
      expected,
      startedAt,
      updatedAt,
      digest: this.#digest(expected),
    };
  }

  async write(bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    this.#check(signal);
    const ingest = this.#ingest;
    const length = ingest.length + bytes.length;
    if (length > ingest.bytes.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * ingest.bytes.length));
      ingest.bytes.copy(larger, 0, 0, ingest.length);
      ingest.bytes = larger;
    }
    ingest.bytes.set(bytes, ingest.length);
    ingest.length = length;
    ingest.updatedAt = new Date();
  }

  async truncate(offset: bigint, { signal }: CallOptions = {}): Promise<void> {
    this.#check(signal);
    if (offset > BigInt(this.#ingest.length) || offset < 0n) {
      throw new Fault(
        'out_of_range',
        `truncate ${quote(this.ref)} to ${offset}: it has ${this.#ingest.length}`,
      );
    }
    this.#ingest.length = Number(offset);
    this.#ingest.updatedAt = new Date();
  }

  async commit(options: CommitOptions = {}): Promise<Digest> {
    const { labels = {}, signal } = options;
    this.#check(signal);
    const sizeBytes = options.sizeBytes ?? (this.#total === 0n ? undefined : this.#total);
    const expected = options.expected ?? this.#expected;
    const { length } = this.#ingest;
    try {
      if (sizeBytes !== undefined && sizeBytes !== BigInt(length)) {
        throw new Fault(
          'failed_precondition',
          `commit ${quote(this.ref)}: ${length} bytes, not ${sizeBytes}`,
        );
      }
      const digest = this.#digest(expected);
      if (expected !== undefined && digest !== expected) {
        throw new Fault('failed_precondition', `commit ${quote(this.ref)}: it is ${digest}, not ${expected}`);
      }
      validateLabels(labels);
      const now = new Date();
      const bytes = Uint8Array.from(this.#ingest.bytes.subarray(0, length));
      this.#store.publish(digest, { bytes, labels: cleanLabels(labels), createdAt: now, updatedAt: now });
      return digest;
    } finally {
      this.end(this.#gone());
    }
  }

  /** Lets go of the ref; what is called from now on fails. */
  end(reason: Fault): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#store.free();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(this.#gone());
  }

  #digest(like: Digest | undefined): Digest {
    return new Digester(like && algorithmOf(like))
      .update(this.#ingest.bytes.subarray(0, this.#ingest.length))
      .digest();
  }

  #gone(): Fault {
    return new Fault('failed_precondition', `write ${quote(this.ref)}: the writer has ended`);
  }

  #check(signal: AbortSignal | undefined): void {
    if (this.#ended !== undefined) throw this.#ended;
    signal?.throwIfAborted();
  }
}
