import type { FileHandle } from 'node:fs/promises';
import { endsLine, MAX_HEAD_BYTES } from './record.ts';

const STEP_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

/**
 * Where the last lines of a log begin, read backwards from its end.
 *
 * @param lines - how many.
 * @param isRecord - whether it has lines with their times, of which only some end a line of output.
 * @returns the offset, and how many lines it lacks.
 */
export async function tailStart(
  file: FileHandle,
  lines: number,
  isRecord: boolean,
): Promise<{ readonly offset: number; readonly missing: number }> {
  const { size } = await file.stat();
  if (lines === 0) return { offset: size, missing: 0 };
  let found = 0;
  // The record that the one looked at comes before.
  let next = size;
  const buffer = Buffer.alloc(STEP_BYTES + MAX_HEAD_BYTES);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - STEP_BYTES);
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - start), start);
    const bytes = buffer.subarray(0, bytesRead);
    for (let at = end - start - 1; at >= -1; at--) {
      const isStart = at === -1 ? start === 0 : bytes[at] === LINE_FEED;
      if (!isStart || start + at + 1 >= size) continue;
      // The last line need not be ended yet.
      if (!isRecord || next === size || endsLine(bytes.subarray(at + 1))) {
        if (found === lines) return { offset: next, missing: 0 };
        found++;
      }
      next = start + at + 1;
    }
    end = start;
  }
  return { offset: 0, missing: lines - found };
}
