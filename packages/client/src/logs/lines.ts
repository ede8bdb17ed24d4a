import type { LogRecord } from './record.ts';

/** A line that a container printed. */
export interface LogLine {
  /** When it was begun. Undefined in a log without times. */
  readonly time: Date | undefined;
  /** A log without times does not tell them apart; then it is `stdout`. */
  readonly stream: 'stdout' | 'stderr';
  /** Without the line feed. */
  readonly text: string;
}

/** A line that is longer comes in pieces. */
const MOST_BYTES = 1024 * 1024;

/** Puts the records of a log together to lines, each of its own stream. */
export async function* linesOf(records: AsyncIterable<LogRecord>): AsyncGenerator<LogLine> {
  const within = new Map<LogRecord['stream'], Begun>();
  for await (const { at, stream, bytes, isEnd } of records) {
    const line = within.get(stream) ?? {
      time: at === undefined ? undefined : new Date(at),
      pieces: [],
      length: 0,
    };
    // The reader's buffer is used again.
    line.pieces.push(Buffer.from(bytes));
    line.length += bytes.length;
    if (isEnd || line.length >= MOST_BYTES) {
      within.delete(stream);
      yield lineOf(stream, line);
    } else within.set(stream, line);
  }
  for (const [stream, line] of within) yield lineOf(stream, line);
}

interface Begun {
  readonly time: Date | undefined;
  readonly pieces: Buffer[];
  length: number;
}

function lineOf(stream: LogLine['stream'], { time, pieces }: Begun): LogLine {
  return { time, stream, text: Buffer.concat(pieces).toString().replace(/\n$/, '') };
}
