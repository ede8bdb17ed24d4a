import { type FileHandle, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '@stowage/core';

/** Somebody else who takes all room on a file system, and what others free of it, until disposed. */
export class Filler implements AsyncDisposable {
  readonly #dir: string;
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;

  private constructor(dir: string, fill: (stop: AbortSignal) => Promise<void>) {
    this.#dir = dir;
    this.#work = fill(this.#stop.signal);
  }

  /** Takes the bytes. Settles when there are none left. */
  static async bytes(root: string): Promise<Filler> {
    return Filler.#full(root, async (dir) => {
      const file = await open(join(dir, 'bytes'), 'w');
      return { step: (size) => grow(file, size), end: () => file.close() };
    });
  }

  /** Takes the inodes. */
  static async inodes(root: string): Promise<Filler> {
    let made = 0;
    return Filler.#full(root, async (dir) => ({
      step: () => fits(async () => writeFile(join(dir, String(made++)), '')),
      end: async () => undefined,
    }));
  }

  static async #full(
    root: string,
    begin: (dir: string) => Promise<{ step(sizeBytes: number): Promise<boolean>; end(): Promise<void> }>,
  ): Promise<Filler> {
    const dir = join(root, 'filler');
    await mkdir(dir);
    const { step, end } = await begin(dir);
    const full = Promise.withResolvers<void>();
    const filler = new Filler(dir, async (stop) => {
      while (!stop.aborted) {
        // From large steps to small ones, so that what is left is less than a block.
        for (let size = 1024 ** 2; size >= 512; size /= 2) while (await step(size)) if (stop.aborted) break;
        full.resolve();
        await sleep(5);
      }
      await end();
    });
    filler.#work.catch((e: unknown) => full.reject(e));
    await full.promise;
    return filler;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
    await rm(this.#dir, { recursive: true });
  }
}

async function grow(file: FileHandle, sizeBytes: number): Promise<boolean> {
  return fits(async () => void (await file.write(Buffer.alloc(sizeBytes, 1))));
}

async function fits(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (e) {
    if (errnoOf(e) === 'ENOSPC') return false;
    throw e;
  }
}
