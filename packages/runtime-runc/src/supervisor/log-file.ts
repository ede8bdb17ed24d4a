import { type FileHandle, open, rename } from 'node:fs/promises';
import { errnoOf, type Logger, reasonOf } from '@stowage/core';
import type { LogTarget } from './log-target.ts';

const MODE = 0o640;
const NEW_LINE = Buffer.from('\n');

/**
 * A log file that is appended to, and put aside as `path.1`, `path.2`, … when it is long enough.
 *
 * What can't be written is dropped and told once: a container must not stop for its log. Records stay whole: after a write
 * that broke off the next one begins a line.
 */
export class LogFile {
  readonly #target: LogTarget;
  readonly #log: Logger;
  #file: FileHandle | undefined;
  #sizeBytes = 0;
  #torn = false;
  #failing = false;
  #closed = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(target: LogTarget, log: Logger) {
    this.#target = target;
    this.#log = log;
  }

  /** Optional: {@link append} does it too, and passes over a failure. */
  async open(): Promise<void> {
    this.#file ??= await this.#opened();
  }

  /** @param records - whole lines. */
  append(records: Buffer): Promise<void> {
    if (records.length === 0) return this.#turn;
    // One after the other, as several streams may write.
    this.#turn = this.#turn.then(() => this.#append(records));
    return this.#turn;
  }

  async #append(records: Buffer): Promise<void> {
    if (this.#closed) return;
    try {
      await this.open();
      if (this.#sizeBytes > 0 && this.#sizeBytes + records.length > this.#target.maxSizeBytes)
        await this.#putAside();
      if (this.#torn) await this.#write(NEW_LINE);
      this.#torn = true;
      await this.#write(records);
      this.#torn = false;
      this.#failing = false;
    } catch (e) {
      if (!this.#failing)
        this.#log.error({ path: this.#target.path, err: e }, `a log can't be written: ${reasonOf(e)}`);
      this.#failing = true;
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    await this.#file?.appendFile(bytes);
    this.#sizeBytes += bytes.length;
  }

  async #opened(): Promise<FileHandle> {
    const file = await open(this.#target.path, 'a+', MODE);
    try {
      const { size } = await file.stat();
      this.#sizeBytes = size;
      // As a machine that lost its power leaves it.
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      this.#torn = size > 0 && last[0] !== NEW_LINE[0];
      return file;
    } catch (e) {
      await file.close();
      throw e;
    }
  }

  /** Readers that have the file open read it to its end. A crash between two renames leaves a gap in the numbers. */
  async #putAside(): Promise<void> {
    const { path, maxFiles } = this.#target;
    const before = this.#file;
    if (maxFiles === 1) {
      await before?.truncate(0);
      this.#sizeBytes = 0;
      return;
    }
    for (let n = maxFiles - 1; n > 0; n--) await renameIfThere(asideName(path, n - 1), asideName(path, n));
    this.#file = undefined;
    await before?.close();
    await this.open();
  }

  /** What was appended before is written first. */
  async close(): Promise<void> {
    await this.#turn;
    this.#closed = true;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

const asideName = (path: string, n: number) => (n === 0 ? path : `${path}.${n}`);

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
  }
}
