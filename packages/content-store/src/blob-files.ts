import { type FileHandle, open, rename, rm, stat, unlink } from 'node:fs/promises';
import type { BlobInfo, ByteRange } from '@stowage/content';
import {
  algorithmOf,
  type CallOptions,
  type Digest,
  type DigestAlgorithm,
  errnoOf,
  Fault,
  isDigest,
  KeyedLock,
  reasonOf,
} from '@stowage/core';
import { GroupedSync, makeDirectory, syncDirectory } from './durable.ts';
import { readFileBytes } from './file-bytes.ts';
import { ALGORITHMS, dataIn, type Layout } from './layout.ts';
import { namesIn } from './names-in.ts';
import { SMALL_BLOB_BYTES, SmallBlobs } from './small-blobs.ts';
import { storageFault } from './storage-fault.ts';

/** The blobs of a store: files that are never written again once they have their name. */
export class BlobFiles {
  readonly #layout: Layout;
  readonly #chunkBytes: number;
  /** By digest: at most one ingest becomes a given blob. */
  readonly #locks = new KeyedLock();
  readonly #syncs = new Map<DigestAlgorithm, Promise<GroupedSync>>();
  readonly #small = new SmallBlobs();
  /** Counted, so that a read that a deletion overtook keeps nothing. */
  #deletions = 0;

  constructor(layout: Layout, chunkBytes: number) {
    this.#layout = layout;
    this.#chunkBytes = chunkBytes;
  }

  async find(digest: Digest): Promise<BlobInfo | undefined> {
    try {
      const { size, mtime } = await stat(this.#layout.blob(digest), { bigint: true });
      return { digest, sizeBytes: size, createdAt: mtime, updatedAt: mtime, labels: {} };
    } catch (e) {
      if (errnoOf(e) === 'ENOENT') return undefined;
      throw storageFault(e, `stat blob ${digest}`);
    }
  }

  async *list({ signal }: CallOptions): AsyncGenerator<BlobInfo> {
    for (const algorithm of ALGORITHMS) {
      for await (const name of namesIn(this.#layout.blobsOf(algorithm))) {
        signal?.throwIfAborted();
        const digest = `${algorithm}:${name}`;
        const info = isDigest(digest) ? await this.find(digest) : undefined;
        if (info !== undefined) yield info;
      }
    }
  }

  async *read(digest: Digest, { offset = 0n, length }: ByteRange, { signal }: CallOptions) {
    if (offset < 0n || (length !== undefined && length < 0n)) {
      throw new Fault('invalid_argument', `read ${digest}: offset and length must not be negative`);
    }
    const known = this.#small.get(digest);
    if (known !== undefined) {
      const { start, end } = clip(digest, BigInt(known.byteLength), offset, length);
      // A copy: what a reader does to its bytes is nobody else's business.
      if (end > start) yield known.slice(Number(start), Number(end));
      return;
    }
    const deletions = this.#deletions;
    let handle: FileHandle;
    try {
      handle = await open(this.#layout.blob(digest), 'r');
    } catch (e) {
      throw errnoOf(e) === 'ENOENT' ? absent('read', digest) : storageFault(e, `read ${digest}`);
    }
    try {
      const { size } = await handle.stat({ bigint: true });
      const { start, end } = clip(digest, size, offset, length);
      const chunks = readFileBytes(handle, {
        offset: start,
        length: end - start,
        chunkBytes: this.#chunkBytes,
        signal,
      });
      if (end - start < size || size > Math.min(SMALL_BLOB_BYTES, this.#chunkBytes)) {
        yield* chunks;
        return;
      }
      const whole = Buffer.concat(await Array.fromAsync(chunks));
      if (deletions === this.#deletions) this.#small.set(digest, Uint8Array.from(whole));
      if (whole.byteLength > 0) yield whole;
    } catch (e) {
      throw storageFault(e, `read ${digest}`);
    } finally {
      await handle.close();
    }
  }

  async delete(digest: Digest, signal: AbortSignal | undefined): Promise<void> {
    using _ = await this.#locks.acquire([digest], signal);
    this.#deletions++;
    this.#small.delete(digest);
    try {
      await unlink(this.#layout.blob(digest));
      await (await this.#syncOf(algorithmOf(digest))).sync();
    } catch (e) {
      throw errnoOf(e) === 'ENOENT' ? absent('delete', digest) : storageFault(e, `delete ${digest}`);
    }
  }

  /**
   * Makes the file of an ingest the blob of a digest that was verified. The order is what makes a name in `blobs`
   * mean "all bytes are on disk": fsync the file, rename, fsync both directories.
   *
   * @param ingest - Its directory; gone afterwards, unless the blob's directory could not be made.
   * @param handle - Its data; closed.
   * @throws Fault `already_exists` if the blob is here; `data_loss`, or `resource_exhausted` where it is full,
   *   if the disk refused to keep the bytes.
   */
  async publish(ingest: string, handle: FileHandle, digest: Digest): Promise<void> {
    using _ = await this.#locks.acquire([digest]);
    const target = this.#layout.blob(digest);
    if ((await this.find(digest)) !== undefined) {
      await handle.close();
      await rm(ingest, { recursive: true, force: true });
      throw new Fault('already_exists', `commit ${digest}: the blob is here already`);
    }
    const directory = await this.#syncOf(algorithmOf(digest));
    await handle.chmod(0o444);
    try {
      await handle.sync();
      // Before the rename, because Windows renames no open file.
      await handle.close();
      await rename(dataIn(ingest), target);
      await Promise.all([directory.sync(), syncDirectory(ingest)]);
    } catch (e) {
      // The kernel reports pages it could not write once, and then calls them clean: a second fsync would lie. So
      // nothing of this ingest may be used again (Rebello et al., "Can Applications Recover from fsync Failures?").
      await handle.close().catch(() => {});
      await rm(target, { force: true });
      await rm(ingest, { recursive: true, force: true });
      const full = ['ENOSPC', 'EDQUOT'].includes(errnoOf(e) ?? '');
      const message = `commit ${digest}: ${reasonOf(e)}; its bytes were dropped, write them again`;
      throw new Fault(full ? 'resource_exhausted' : 'data_loss', message, { cause: e });
    }
    await rm(ingest, { recursive: true, force: true });
  }

  #syncOf(algorithm: DigestAlgorithm): Promise<GroupedSync> {
    let sync = this.#syncs.get(algorithm);
    if (sync === undefined) {
      const directory = this.#layout.blobsOf(algorithm);
      sync = makeDirectory(directory).then(() => new GroupedSync(directory));
      this.#syncs.set(algorithm, sync);
      sync.catch(() => this.#syncs.delete(algorithm));
    }
    return sync;
  }
}

/** @throws Fault `out_of_range` if the offset is past the end. */
function clip(
  digest: Digest,
  size: bigint,
  offset: bigint,
  length: bigint | undefined,
): { start: bigint; end: bigint } {
  if (offset > size) {
    throw new Fault('out_of_range', `read ${digest} from ${offset}: it has ${size} bytes`);
  }
  const left = size - offset;
  const clipped = length === undefined || length === 0n || length > left ? left : length;
  return { start: offset, end: offset + clipped };
}

export function absent(operation: string, digest: Digest): Fault {
  return new Fault('not_found', `${operation} ${digest}: no such blob`);
}
