import type { FileHandle } from 'node:fs/promises';
import type { BlobInfo } from '@stowage/content';
import type { Digest } from '@stowage/core';
import { ReadAhead } from './read-ahead.ts';

const MOST = 32;
const IDLE_MS = 500;

/** The file of a blob, open for reading. Disposing gives it back. */
export interface OpenBlob extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly info: BlobInfo;
  readonly ahead: ReadAhead;
}

interface Entry {
  readonly handle: FileHandle;
  readonly info: BlobInfo;
  readonly ahead: ReadAhead;
  users: number;
  usedAt: number;
  /** No longer to be found: closed when its last user is done. */
  isForgotten: boolean;
}

/**
 * Files that were read in part lately, still open. Clients read a large blob in thousands of small parts, and for each
 * to open, measure and close the file takes three times as long as to read it.
 *
 * A file that is open is kept by the system though its name is gone, so whoever removes or replaces one says so. What
 * others do to the files behind the store's back is noticed when one has not been read for half a second.
 */
export class OpenBlobs {
  /** In order of use, the latest last. */
  readonly #entries = new Map<Digest, Entry>();
  #timer: NodeJS.Timeout | undefined;
  /** Counted, so that a file that was opened before a removal is not kept after it. */
  #forgotten = 0;

  /** What is known of a blob that is open. */
  peek(digest: Digest): BlobInfo | undefined {
    return this.#entries.get(digest)?.info;
  }

  /** @param open - Opens and measures the file, if it is not open. */
  async take(
    digest: Digest,
    open: () => Promise<{ readonly handle: FileHandle; readonly info: BlobInfo }>,
  ): Promise<OpenBlob> {
    const known = this.#entries.get(digest);
    if (known !== undefined) return this.#use(digest, known);
    const forgotten = this.#forgotten;
    const { handle, info } = await open();
    const ahead = new ReadAhead(handle, info.sizeBytes);
    const entry = { handle, info, ahead, users: 0, usedAt: 0, isForgotten: true };
    if (forgotten === this.#forgotten && !this.#entries.has(digest)) {
      entry.isForgotten = false;
      this.#entries.set(digest, entry);
    }
    return this.#use(digest, entry);
  }

  /** Finds a file no more. Whoever reads it now reads on. */
  async forget(digest: Digest): Promise<void> {
    this.#forgotten += 1;
    const entry = this.#entries.get(digest);
    this.#entries.delete(digest);
    if (entry === undefined) return;
    entry.isForgotten = true;
    if (entry.users === 0) await entry.handle.close();
  }

  async forgetAll(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#entries.keys()].map((digest) => this.forget(digest)));
  }

  #use(digest: Digest, entry: Entry): OpenBlob {
    entry.users += 1;
    if (!entry.isForgotten) {
      this.#entries.delete(digest);
      this.#entries.set(digest, entry);
    }
    const giveBack = async () => {
      entry.users -= 1;
      entry.usedAt = performance.now();
      if (entry.isForgotten) {
        if (entry.users === 0) await entry.handle.close();
        return;
      }
      if (this.#entries.size > MOST) await this.#forgetOldest();
      this.#timer ??= setTimeout(() => this.#expire(), IDLE_MS).unref();
    };
    const { handle, info, ahead } = entry;
    return { handle, info, ahead, [Symbol.asyncDispose]: giveBack };
  }

  async #forgetOldest(): Promise<void> {
    for (const [digest, { users }] of this.#entries) if (users === 0) return this.forget(digest);
  }

  #expire(): void {
    this.#timer = undefined;
    const since = performance.now() - IDLE_MS;
    // A failing close(2) of a file that was only read matters to nobody.
    for (const [digest, { users, usedAt }] of this.#entries)
      if (users === 0 && usedAt <= since) this.forget(digest).catch(() => {});
    if (this.#entries.size > 0) this.#timer = setTimeout(() => this.#expire(), IDLE_MS).unref();
  }
}
