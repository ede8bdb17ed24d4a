import type { LogRecord } from '@stowage/client/logs';
import { writtenTo } from '../written.ts';

export interface PrintOptions {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly timestamps?: boolean | undefined;
}

/** Writes what a container printed to our own standard streams, each to its own. */
export class LogPrinter {
  readonly #options: PrintOptions;
  /** Streams that are in the middle of a line. */
  readonly #within = new Set<LogRecord['stream']>();

  constructor(options: PrintOptions = {}) {
    this.#options = options;
  }

  /** @returns false if nothing that comes after it is wanted. */
  async print({ at, stream, bytes, isEnd }: LogRecord): Promise<boolean> {
    const { since, until, timestamps = false } = this.#options;
    const time = at === undefined ? undefined : new Date(at);
    if (time !== undefined && until !== undefined && time > until) return false;
    if (time !== undefined && since !== undefined && time < since) return true;
    const begins = !this.#within.has(stream);
    if (isEnd) this.#within.delete(stream);
    else this.#within.add(stream);
    const head = timestamps && begins && at !== undefined ? Buffer.from(`${at} `) : Buffer.alloc(0);
    await writtenTo(process[stream], Buffer.concat([head, bytes]));
    return true;
  }
}
