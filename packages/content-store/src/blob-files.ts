import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { type BlobInfo, DAMAGED_LABEL } from '@stowage/content';
import {
  algorithmOf,
  type CallOptions,
  type Digest,
  errnoOf,
  Fault,
  KeyedLock,
  reasonOf,
  unlessAbsent,
} from '@stowage/core';
import { syncDirectory } from '@stowage/core/durable';
import { damaged, KNOWN_DAMAGE } from './damage.ts';
import { SyncedDirectories } from './durable.ts';
import { dataIn, type Layout } from './layout.ts';
import { digestsIn } from './names-in.ts';
import { type OpenBlob, OpenBlobs } from './open-blobs.ts';
import { SmallBlobs } from './small-blobs.ts';
import { storageFault } from './storage-fault.ts';

/**
 * The blobs of a store: files that are never written again once they have their name.
 *
 * One that is found damaged is moved to `corrupt`. That is a single rename, so the mark can't be half made; it lasts;
 * a look-up of a whole blob costs nothing more for it; whatever else reads `blobs` as an OCI layout meets no wrong
 * bytes; and the wrong bytes stay for whoever wants to know what the disk did. A name in `blobs` counts more than the
 * same in `corrupt`.
 */
export class BlobFiles {
  /** Whole, and whole when they were read. */
  readonly small = new SmallBlobs();
  readonly #open = new OpenBlobs();
  readonly #layout: Layout;
  /** By digest: at most one ingest becomes a given blob, and nothing is moved under anybody's hands. */
  readonly #locks = new KeyedLock();
  readonly #directories = new SyncedDirectories();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** Removes the marks of blobs that were repaired just before a crash. Only while nobody uses the store. */
  async clean(): Promise<void> {
    for await (const digest of digestsIn(this.#layout, 'corrupt'))
      if (await this.has(digest)) await rm(this.#layout.corruptBlob(digest), { force: true });
  }

  /** Whether it is here, as far as anybody knows whole. */
  async has(digest: Digest): Promise<boolean> {
    return (await infoOf(this.#layout.blob(digest), digest)) !== undefined;
  }

  /** @throws Fault `not_found`; `data_loss` for one that is known to be damaged. */
  async info(digest: Digest, signal: AbortSignal | undefined): Promise<BlobInfo> {
    const info = this.#open.peek(digest) ?? (await infoOf(this.#layout.blob(digest), digest));
    if (info !== undefined) return info;
    // Looked for again while nobody moves it from one name to the other.
    using _ = await this.#locks.acquire([digest], signal);
    return (await infoOf(this.#layout.blob(digest), digest)) ?? (await this.#refuse('stat', digest));
  }

  /** Opens its file, which stays as it is while it is open. @throws as {@link info} */
  async open(digest: Digest, signal: AbortSignal | undefined): Promise<FileHandle> {
    const handle = await openIfThere(this.#layout.blob(digest), digest);
    if (handle !== undefined) return handle;
    using _ = await this.#locks.acquire([digest], signal);
    return (await openIfThere(this.#layout.blob(digest), digest)) ?? (await this.#refuse('read', digest));
  }

  /** Its file for whoever reads parts of it, one after the other. @throws as {@link info} */
  async openForParts(digest: Digest, signal: AbortSignal | undefined): Promise<OpenBlob> {
    return this.#open.take(digest, async () => {
      const handle = await this.open(digest, signal);
      try {
        return { handle, info: infoFrom(digest, await handle.stat({ bigint: true })) };
      } catch (e) {
        await handle.close();
        throw storageFault(e, `read ${digest}`);
      }
    });
  }

  /** Closes what is open. */
  async close(): Promise<void> {
    await this.#open.forgetAll();
  }

  /** Opens what there is of a damaged blob. */
  async openDamaged(digest: Digest): Promise<FileHandle | undefined> {
    return openIfThere(this.#layout.corruptBlob(digest), digest);
  }

  /** Damaged ones are labelled so. One that is found damaged meanwhile may come twice. */
  async *list({ signal }: CallOptions): AsyncGenerator<BlobInfo> {
    for await (const digest of digestsIn(this.#layout, 'blobs')) {
      signal?.throwIfAborted();
      const info = await infoOf(this.#layout.blob(digest), digest);
      if (info !== undefined) yield info;
    }
    yield* this.listDamaged({ signal });
  }

  async *listDamaged({ signal }: CallOptions): AsyncGenerator<BlobInfo> {
    for await (const digest of digestsIn(this.#layout, 'corrupt')) {
      signal?.throwIfAborted();
      if (await this.has(digest)) continue;
      const info = await infoOf(this.#layout.corruptBlob(digest), digest);
      if (info !== undefined) yield { ...info, labels: { [DAMAGED_LABEL]: KNOWN_DAMAGE } };
    }
  }

  async delete(digest: Digest, signal: AbortSignal | undefined): Promise<void> {
    using _ = await this.#locks.acquire([digest], signal);
    await using _old = this.#forgetting(digest);
    const algorithm = algorithmOf(digest);
    try {
      const blob = await unlinked(this.#layout.blob(digest));
      const mark = await unlinked(this.#layout.corruptBlob(digest));
      if (!blob && !mark) throw absent('delete', digest);
      if (blob) await this.#sync(this.#layout.blobsOf(algorithm));
      if (mark) await this.#sync(this.#layout.corruptOf(algorithm));
    } catch (e) {
      throw storageFault(e, `delete ${digest}`);
    }
  }

  /**
   * Remembers that the file of a blob, opened by whoever read it, is damaged; whatever has come in its place
   * meanwhile is left alone.
   *
   * @returns the Fault that tells of it, which says so if nothing could be remembered.
   */
  async mark(handle: FileHandle, operation: string, digest: Digest, reason: string): Promise<Fault> {
    try {
      using _ = await this.#locks.acquire([digest]);
      await using _old = this.#forgetting(digest);
      const { ino } = await handle.stat({ bigint: true });
      const file = this.#layout.blob(digest);
      if ((await inodeOf(file)) === ino) await this.#move(file, this.#layout.corruptBlob(digest), digest);
      return damaged(operation, digest, reason);
    } catch (e) {
      return damaged(operation, digest, `${reason}, and it could not be set aside (${reasonOf(e)})`, e);
    }
  }

  /** Serves a blob again that was found whole after all. */
  async unmark(digest: Digest): Promise<void> {
    using _ = await this.#locks.acquire([digest]);
    const mark = this.#layout.corruptBlob(digest);
    if (await this.has(digest)) await rm(mark, { force: true });
    else await this.#move(mark, this.#layout.blob(digest), digest);
  }

  /**
   * Makes the file of an ingest the blob of a digest that was verified. The order is what makes a name in `blobs`
   * mean "all bytes are on disk": fsync the file, rename, fsync both directories. A damaged blob is replaced.
   *
   * @param ingest - Its directory; gone afterwards, unless the blob's directory could not be made.
   * @param handle - Its data; closed.
   * @throws Fault `already_exists` if the blob is here; `data_loss`, or `resource_exhausted` where it is full,
   *   if the disk refused to keep the bytes.
   */
  async publish(ingest: string, handle: FileHandle, digest: Digest): Promise<void> {
    using _ = await this.#locks.acquire([digest]);
    const target = this.#layout.blob(digest);
    const there = await infoOf(target, digest);
    // One of another size is damaged, though nobody has noticed yet.
    if (there !== undefined && there.sizeBytes === (await handle.stat({ bigint: true })).size) {
      await handle.close();
      await rm(ingest, { recursive: true, force: true });
      throw new Fault('already_exists', `commit ${digest}: the blob is here already`);
    }
    await using _old = this.#forgetting(digest);
    const directory = await this.#directories.of(this.#layout.blobsOf(algorithmOf(digest)));
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
    // A mark that a crash leaves here counts no more, and goes when the store is opened.
    await rm(this.#layout.corruptBlob(digest), { force: true });
    await rm(ingest, { recursive: true, force: true });
  }

  /** Drops, in the end, what is remembered of a file that goes or changes its name, also by whoever reads meanwhile. */
  #forgetting(digest: Digest): AsyncDisposable {
    return {
      [Symbol.asyncDispose]: async () => {
        this.small.forget(digest);
        await this.#open.forget(digest);
      },
    };
  }

  async #move(from: string, to: string, digest: Digest): Promise<void> {
    const algorithm = algorithmOf(digest);
    const [blobs, corrupt] = [this.#layout.blobsOf(algorithm), this.#layout.corruptOf(algorithm)];
    await this.#directories.of(blobs);
    await this.#directories.of(corrupt);
    await rename(from, to);
    await Promise.all([this.#sync(blobs), this.#sync(corrupt)]);
  }

  async #sync(directory: string): Promise<void> {
    await (await this.#directories.of(directory)).sync();
  }

  async #refuse(operation: string, digest: Digest): Promise<never> {
    const mark = await infoOf(this.#layout.corruptBlob(digest), digest);
    throw mark === undefined ? absent(operation, digest) : damaged(operation, digest, KNOWN_DAMAGE);
  }
}

async function infoOf(file: string, digest: Digest): Promise<BlobInfo | undefined> {
  try {
    return infoFrom(digest, await stat(file, { bigint: true }));
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw storageFault(e, `stat blob ${digest}`);
  }
}

function infoFrom(digest: Digest, { size, mtime }: BigIntStats): BlobInfo {
  return { digest, sizeBytes: size, createdAt: mtime, updatedAt: mtime, labels: {} };
}

async function inodeOf(file: string): Promise<bigint | undefined> {
  return (await unlessAbsent(stat(file, { bigint: true })))?.ino;
}

async function openIfThere(file: string, digest: Digest): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw storageFault(e, `read ${digest}`);
  }
}

async function unlinked(file: string): Promise<boolean> {
  try {
    await unlink(file);
    return true;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return false;
    throw e;
  }
}

function absent(operation: string, digest: Digest): Fault {
  return new Fault('not_found', `${operation} ${digest}: no such blob`);
}
