import { type FileHandle, open } from 'node:fs/promises';
import type { JournalLine } from '../model/world.ts';

/** Reads a journal as it grows, each line once. */
export class JournalReader implements AsyncDisposable {
  readonly #file: FileHandle;
  #offset = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<JournalReader> {
    return new JournalReader(await open(path, 'a+'));
  }

  /** Lines that are whole and were not read yet. */
  async read(): Promise<JournalLine[]> {
    const { size } = await this.#file.stat();
    const buffer = Buffer.alloc(size - this.#offset);
    await this.#file.read(buffer, 0, buffer.length, this.#offset);
    const end = buffer.lastIndexOf(0x0a) + 1;
    this.#offset += end;
    const lines = buffer.toString('utf8', 0, end).split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as JournalLine);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}
