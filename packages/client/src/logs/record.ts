/** A piece of a container's output. */
export interface LogRecord {
  /** Undefined in a log without times. */
  readonly at: string | undefined;
  readonly stream: 'stdout' | 'stderr';
  /** As it was written, with the line feed that ends a line. */
  readonly bytes: Buffer;
  /** Whether it ends a line. */
  readonly isEnd: boolean;
}

const HEAD =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP](?::\w+)*) /;

/** More than any head has. */
export const MAX_HEAD_BYTES = 64;

/** Whether a log has lines with their times, as its first bytes show; else it is what the container printed, as it is. */
export function hasRecords(start: Buffer): boolean {
  return HEAD.test(headOf(start));
}

/** Whether a record ends a line. What is no record does. */
export function endsLine(start: Buffer): boolean {
  return HEAD.exec(headOf(start))?.[3]?.startsWith('F') ?? true;
}

/** @param line - with its line feed, if it has one. What is no record is passed on as it is. */
export function parseRecord(line: Buffer): LogRecord {
  const [head, at, stream = 'stdout', tag = 'F'] = HEAD.exec(headOf(line)) ?? [];
  const isEnd = tag.startsWith('F');
  const text = line.subarray(head?.length ?? 0);
  const bytes = isEnd || text.at(-1) !== 0x0a ? text : text.subarray(0, -1);
  return { at, stream: stream === 'stderr' ? 'stderr' : 'stdout', bytes, isEnd };
}

const headOf = (bytes: Buffer) => bytes.toString('latin1', 0, MAX_HEAD_BYTES);
