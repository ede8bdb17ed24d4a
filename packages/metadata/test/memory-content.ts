import type {
  BlobInfo,
  CommitOptions,
  ContentStore,
  ContentWriter,
  IngestStatus,
  WriterOptions,
} from '@stowage/content';
import { algorithmOf, cleanLabels, compileFilters, type Digest, digestOf, Fault } from '@stowage/core';

interface Ingest {
  bytes: Buffer;
  readonly startedAt: Date;
  total: bigint;
  expected: Digest | undefined;
  held: boolean;
}

/** A content store of this process's memory. `gate` runs before each commit, for tests of what happens meanwhile. */
export class MemoryContent implements ContentStore {
  readonly blobs = new Map<Digest, { readonly bytes: Buffer; info: BlobInfo }>();
  readonly ingests = new Map<string, Ingest>();
  gate: () => Promise<void> = () => Promise.resolve();

  async info(digest: Digest): Promise<BlobInfo> {
    return this.#blob(digest).info;
  }

  async update(digest: Digest, labels: BlobInfo['labels']): Promise<BlobInfo> {
    const blob = this.#blob(digest);
    blob.info = { ...blob.info, labels: cleanLabels(labels) };
    return blob.info;
  }

  async *list(filters: readonly string[] = []): AsyncGenerator<BlobInfo> {
    const matches = compileFilters(filters);
    for (const { info } of this.blobs.values())
      if (matches((path) => (path[0] === 'digest' ? info.digest : undefined))) yield info;
  }

  async delete(digest: Digest): Promise<void> {
    this.#blob(digest);
    this.blobs.delete(digest);
  }

  async *read(
    digest: Digest,
    { offset = 0n, length = 0n }: { offset?: bigint | undefined; length?: bigint | undefined } = {},
  ): AsyncGenerator<Uint8Array> {
    const { bytes } = this.#blob(digest);
    if (offset > BigInt(bytes.length)) throw new Fault('out_of_range', `read ${digest}: past its end`);
    const end = length === 0n ? bytes.length : Number(offset + length);
    const part = bytes.subarray(Number(offset), end);
    if (part.length > 0) yield part;
  }

  async status(ref: string): Promise<IngestStatus> {
    return statusOf(ref, this.#ingest(ref));
  }

  async *statuses(filters: readonly string[] = []): AsyncGenerator<IngestStatus> {
    const matches = compileFilters(filters);
    for (const [ref, ingest] of this.ingests)
      if (matches((path) => (path[0] === 'ref' ? ref : undefined))) yield statusOf(ref, ingest);
  }

  async writer({ ref, total = 0n, expected }: WriterOptions): Promise<ContentWriter> {
    if (expected !== undefined && this.blobs.has(expected))
      throw new Fault('already_exists', `content ${expected}: already exists`);
    let ingest = this.ingests.get(ref);
    if (ingest?.held) throw new Fault('unavailable', `ref ${ref}: locked for another writer`);
    if (ingest === undefined || (total !== 0n && ingest.total !== 0n && ingest.total !== total)) {
      ingest = { bytes: Buffer.alloc(0), startedAt: new Date(), total, expected, held: false };
      this.ingests.set(ref, ingest);
    }
    ingest.held = true;
    return this.#writer(ref, ingest);
  }

  async abort(ref: string): Promise<void> {
    this.#ingest(ref);
    this.ingests.delete(ref);
  }

  #writer(ref: string, ingest: Ingest): ContentWriter {
    const algorithm = ingest.expected === undefined ? 'sha256' : algorithmOf(ingest.expected);
    return {
      ref,
      status: async () => ({ ...statusOf(ref, ingest), digest: digestOf(ingest.bytes, algorithm) }),
      write: async (bytes) => {
        ingest.bytes = Buffer.concat([ingest.bytes, bytes]);
      },
      truncate: async (offset) => {
        if (offset > BigInt(ingest.bytes.length))
          throw new Fault('out_of_range', `truncate ${ref}: past its end`);
        ingest.bytes = ingest.bytes.subarray(0, Number(offset));
      },
      commit: async (options = {}) => {
        await this.gate();
        return this.#commit(ref, ingest, options);
      },
      [Symbol.asyncDispose]: async () => {
        ingest.held = false;
      },
    };
  }

  #commit(
    ref: string,
    { bytes, expected: opened }: Ingest,
    { sizeBytes, expected = opened }: CommitOptions,
  ): Digest {
    if (sizeBytes !== undefined && sizeBytes !== BigInt(bytes.length))
      throw new Fault('failed_precondition', `commit ${ref}: ${bytes.length} bytes, not ${sizeBytes}`);
    const digest = digestOf(bytes, expected === undefined ? 'sha256' : algorithmOf(expected));
    if (expected !== undefined && digest !== expected)
      throw new Fault('failed_precondition', `commit ${ref}: it is ${digest}, not ${expected}`);
    this.ingests.delete(ref);
    if (this.blobs.has(digest)) throw new Fault('already_exists', `content ${digest}: already exists`);
    const at = new Date();
    const info = { digest, sizeBytes: BigInt(bytes.length), createdAt: at, updatedAt: at, labels: {} };
    this.blobs.set(digest, { bytes, info });
    return digest;
  }

  #blob(digest: Digest): { readonly bytes: Buffer; info: BlobInfo } {
    const blob = this.blobs.get(digest);
    if (blob === undefined) throw new Fault('not_found', `content ${digest}: not found`);
    return blob;
  }

  #ingest(ref: string): Ingest {
    const ingest = this.ingests.get(ref);
    if (ingest === undefined) throw new Fault('not_found', `ingest ${ref}: not found`);
    return ingest;
  }
}

function statusOf(ref: string, { bytes, total, startedAt, expected }: Ingest): IngestStatus {
  const offset = BigInt(bytes.length);
  return { ref, offset, total, startedAt, updatedAt: startedAt, ...(expected && { expected }) };
}
