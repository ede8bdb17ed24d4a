import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory } from '@stowage/core/durable';

/** Makes a directory (0700) and what is missing above it, all of which then survive a power cut. */
export async function makeDirectory(directory: string): Promise<void> {
  const leaf = path.resolve(directory);
  const first = await mkdir(leaf, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = path.dirname(path.resolve(first));
  for (let parent = path.dirname(leaf); ; parent = path.dirname(parent)) {
    await syncDirectory(parent);
    if (parent === top || parent === path.dirname(parent)) return;
  }
}

/** Lets callers that change one directory at the same time share an fsync. */
export class GroupedSync {
  readonly #directory: string;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Settles when all that was changed before the call is on disk. */
  sync(): Promise<void> {
    // The fsync under way may have passed our change by: only one that starts after this call counts.
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(running: Promise<void>): Promise<void> {
    await Promise.allSettled([running]);
    if (this.#next !== undefined) this.#running = this.#next;
    this.#next = undefined;
    await syncDirectory(this.#directory);
  }
}

/** One {@link GroupedSync} for each directory, which is made when it is first asked for. */
export class SyncedDirectories {
  readonly #syncs = new Map<string, Promise<GroupedSync>>();

  of(directory: string): Promise<GroupedSync> {
    let sync = this.#syncs.get(directory);
    if (sync === undefined) {
      sync = makeDirectory(directory).then(() => new GroupedSync(directory));
      this.#syncs.set(directory, sync);
      sync.catch(() => this.#syncs.delete(directory));
    }
    return sync;
  }
}
