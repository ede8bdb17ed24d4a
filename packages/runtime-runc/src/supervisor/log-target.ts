import { Fault, quote } from '@stowage/core';

/** A log file of lines with their times, which the supervisor writes. */
export interface LogTarget {
  readonly kind: 'log';
  /** As the client gave it: streams with the same one go to the same file. */
  readonly uri: string;
  readonly path: string;
  /** The file is put aside before it grows longer than this. */
  readonly maxSizeBytes: number;
  /** How many there are at most, the one that is written included; the oldest goes. */
  readonly maxFiles: number;
}

const UNITS = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;

/** Below this a file would be put aside every few lines. */
const LEAST_SIZE_BYTES = 64 * 1024;
const MOST_FILES = 1000;

/**
 * What `file:///path?format=cri` asks for: undefined for another file, which is the process's own to write to.
 *
 * `max-size` bounds a file (bytes, or with k, m or g; none by default), `max-file` how many are kept (1 by default).
 *
 * @throws Fault `invalid_argument` for another format, or a bound that is none.
 * @see docker's json-file logging driver, whose options these are
 */
export function logTarget(uri: string, url: URL, path: string): LogTarget | undefined {
  const format = url.searchParams.get('format');
  if (format === null) return undefined;
  const fail = (reason: string) => new Fault('invalid_argument', `log ${quote(uri)}: ${reason}`);
  if (format !== 'cri') throw fail(`format ${quote(format)} is not known; cri is`);
  const maxSizeBytes = sizeOf(url.searchParams.get('max-size'));
  if (!(maxSizeBytes >= LEAST_SIZE_BYTES))
    throw fail('max-size must be a number with k, m or g, of at least 64k');
  const maxFiles = countOf(url.searchParams.get('max-file'));
  if (!(maxFiles >= 1 && maxFiles <= MOST_FILES)) throw fail(`max-file must be from 1 to ${MOST_FILES}`);
  return { kind: 'log', uri, path, maxSizeBytes, maxFiles };
}

function sizeOf(text: string | null): number {
  if (text === null) return Number.POSITIVE_INFINITY;
  const [, digits, unit] = /^(\d{1,15})([kmg]?)$/i.exec(text) ?? [];
  if (digits === undefined) return Number.NaN;
  return Number(digits) * UNITS[unit?.toLowerCase() as keyof typeof UNITS];
}

function countOf(text: string | null): number {
  return text === null ? 1 : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
}
