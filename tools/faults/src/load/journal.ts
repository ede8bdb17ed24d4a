import { type FileHandle, open } from 'node:fs/promises';
import type { JournalLine } from '../model/world.ts';

/** A file of lines, each on disk before its append settles; those that come together share one fsync. */
export class Journal implements AsyncDisposable {
  readonly #file: FileHandle;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<Journal> {
    return new Journal(await open(path, 'a'));
  }

  append(line: JournalLine): Promise<void> {
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#next ??= this.#writing.then(() => this.#write());
    return this.#next;
  }

  async #write(): Promise<void> {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#writing = this.#next ?? Promise.resolve();
    this.#next = undefined;
    await this.#file.appendFile(text);
    await this.#file.datasync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next;
    await this.#writing;
    await this.#file.close();
  }
}
