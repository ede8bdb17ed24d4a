import { constants, open } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '@stowage/linux';

/** Longest piece of a log that is looked at. */
const TAIL_BYTES = 64 * 1024;
/** Most lines that go into a message, and most characters of one. */
const LINES = 3;
const LINE_CHARACTERS = 300;

/**
 * The last errors that CRIU wrote to a log; undefined if there are none. The directory may be the caller's, so a link in
 * place of the log is not followed, nor is anything but a file read.
 */
export async function criuErrors(workPath: string, name: string): Promise<string | undefined> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(join(workPath, name), flags);
    const about = await file.stat();
    if (!about.isFile()) return undefined;
    const start = Math.max(0, about.size - TAIL_BYTES);
    const length = Math.min(about.size, TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
    const errors = buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .filter((line) => /\bError\b/.test(line))
      .map((line) => printable(line.replace(/^\(\d+\.\d+\)\s*/, '')).slice(0, LINE_CHARACTERS));
    return errors.length === 0 ? undefined : errors.slice(-LINES).join('; ');
  } catch (e) {
    if (hasCode(e, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES')) return undefined;
    throw e;
  }
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').trim();
