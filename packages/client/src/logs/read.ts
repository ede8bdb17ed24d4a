import type { FileHandle } from 'node:fs/promises';
import { newerThan, openLogs } from './files.ts';
import type { Notice } from './notice.ts';
import { hasRecords, type LogRecord, MAX_HEAD_BYTES, parseRecord } from './record.ts';
import { tailStart } from './tail.ts';

export interface ReadLogOptions {
  /** Only so many of the last lines. Default: all. */
  readonly tail?: number | undefined;
  /** Goes on as the log grows, until its `ended` settled and all was read. */
  readonly follow?: Notice | undefined;
}

const STEP_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

/** What a log holds, in its order. A log that is not there holds nothing. */
export async function* readLog(path: string, options: ReadLogOptions = {}): AsyncGenerator<LogRecord> {
  yield* await openLog(path, options);
}

/** The same, with the place that it begins at found when this settles. What it gives must be read, or ended. */
export async function openLog(path: string, options: ReadLogOptions): Promise<AsyncGenerator<LogRecord>> {
  const files = await openLogs(path);
  try {
    return read(path, files, await startsOf(files, options.tail), options);
  } catch (e) {
    for (const file of files) await file.close();
    throw e;
  }
}

async function* read(
  path: string,
  files: FileHandle[],
  starts: readonly number[],
  options: ReadLogOptions,
): AsyncGenerator<LogRecord> {
  try {
    for (let at = starts.length - 1; at > 0; at--) yield* pass(files[at], starts[at] ?? 0);
    if (options.follow === undefined) yield* pass(files[0], starts[0] ?? 0);
    else yield* follow(path, files, starts[0] ?? 0, options.follow);
  } finally {
    for (const file of files) await file.close();
  }
}

async function startsOf(files: readonly FileHandle[], tail: number | undefined): Promise<number[]> {
  if (tail === undefined) return files.map(() => 0);
  const starts: number[] = [];
  let missing = tail;
  for (const file of files) {
    const { offset, missing: left } = await tailStart(file, missing, await isRecorded(file));
    starts.push(offset);
    missing = left;
    if (missing === 0) break;
  }
  return starts;
}

export async function isRecorded(file: FileHandle): Promise<boolean> {
  const start = Buffer.alloc(MAX_HEAD_BYTES);
  const { bytesRead } = await file.read(start, 0, start.length, 0);
  return hasRecords(start.subarray(0, bytesRead));
}

async function* pass(file: FileHandle | undefined, offset: number): AsyncGenerator<LogRecord> {
  if (file === undefined) return;
  const reader = new Lines(file, offset);
  yield* reader.more();
  yield* reader.rest();
}

/** @param files - those that are open; what it opens is added, to be closed with them. */
async function* follow(
  path: string,
  files: FileHandle[],
  offset: number,
  notice: Notice,
): AsyncGenerator<LogRecord> {
  let [current] = files;
  let reader = current && new Lines(current, offset);
  for (;;) {
    const wasOver = notice.isOver;
    if (reader !== undefined) yield* reader.more();
    const newer = current === undefined ? (await openLogs(path)).reverse() : await newerThan(path, current);
    if (newer.length > 0) {
      // Whatever went into the one that was put aside, before it was.
      if (reader !== undefined) yield* reader.more();
      files.push(...newer);
      for (const file of newer.slice(0, -1)) yield* pass(file, 0);
      current = newer.at(-1);
      reader = current && new Lines(current, 0);
      continue;
    }
    if (wasOver) break;
    await notice.next();
  }
  if (reader !== undefined) yield* reader.rest();
}

/** Reads on in a file where it was, line by line. */
class Lines {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.alloc(STEP_BYTES);
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  async *more(): AsyncGenerator<LogRecord> {
    // Begun anew, as a log of one file is when it is long enough.
    if ((await this.#file.stat()).size < this.#offset) this.#offset = 0;
    for (;;) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, STEP_BYTES, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      const bytes = Buffer.concat([this.#rest, this.#buffer.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
        yield parseRecord(bytes.subarray(start, end + 1));
        start = end + 1;
      }
      this.#rest = bytes.subarray(start);
      // Raw output may have lines of any length.
      if (this.#rest.length >= STEP_BYTES) yield* this.rest();
    }
  }

  /** What has no line feed. */
  *rest(): Generator<LogRecord> {
    if (this.#rest.length > 0) yield parseRecord(this.#rest);
    this.#rest = Buffer.alloc(0);
  }
}
