import type { Readable } from 'node:stream';
import type { LogFile } from './log-file.ts';
import { LogLines } from './log-lines.ts';
import type { OutputName } from './logging-binary.ts';

/** How long the beginning of a line waits for the rest: a prompt is seen, and a line written in pieces is one record. */
const HOLD_MS = 40;

/**
 * Copies an output of a process to its log, as fast as the disk takes it. Whoever reads the log is never waited for.
 *
 * What was read and not yet written is lost if this process is killed: a pipe's worth at the most.
 */
export class LogCopy {
  /** Settles when the output has ended and all of it was appended. */
  readonly done: Promise<void>;
  readonly #lines: LogLines;
  readonly #file: LogFile;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Readable, name: OutputName, file: LogFile) {
    this.#lines = new LogLines(name);
    this.#file = file;
    this.done = this.#copy(source);
  }

  async #copy(source: Readable): Promise<void> {
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        clearTimeout(this.#timer);
        await this.#file.append(this.#lines.push(chunk, new Date()));
        if (this.#lines.hasRest) this.#timer = setTimeout(() => void this.#flush(), HOLD_MS);
      }
    } catch {
      // A terminal ends with EIO, what was let go of with an abort: both are the end.
    }
    clearTimeout(this.#timer);
    await this.#flush();
  }

  #flush(): Promise<void> {
    return this.#file.append(this.#lines.flush(new Date()));
  }
}
