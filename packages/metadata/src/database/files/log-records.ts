import { maskedCrc32c } from './crc32c.ts';

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;

/** What a file of records (a write-ahead log or a MANIFEST) holds. */
export interface LogRecords {
  /** Whole records, up to the first that is not. */
  readonly records: readonly Buffer[];
  /** Where the first record begins that is cut off or does not match its checksum. */
  readonly brokenAt: number | undefined;
  /** Whether a record begins after that one: then it was whole once, because each was written when the one before was safe. */
  readonly goesOn: boolean;
  /** Whole records after that one. */
  readonly later: readonly Buffer[];
}

/**
 * Reads a file of records and says whether what is wrong with it is at its end, where a crash may cut it, or before,
 * where only damage can. LevelDB itself drops both without a word.
 *
 * @see LevelDB doc/log_format.md
 */
export function readLogRecords(file: Buffer): LogRecords {
  const records: Buffer[] = [];
  const later: Buffer[] = [];
  let brokenAt: number | undefined;
  let goesOn = false;
  let parts: Buffer[] = [];
  let startedAt = 0;
  let at = 0;
  while (at < file.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const found = recordAt(file, at);
    const begins = found?.type === FULL || found?.type === FIRST;
    if (found === undefined || begins === parts.length > 0) {
      brokenAt ??= parts.length > 0 ? startedAt : at;
      parts = [];
      if (begins) {
        goesOn = true;
        continue;
      }
      const next = beginAfter(file, at + 1);
      if (next === undefined) break;
      goesOn = true;
      at = next;
      continue;
    }
    if (begins) startedAt = at;
    parts.push(found.payload);
    at = found.end;
    if (found.type === FULL || found.type === LAST) {
      (brokenAt === undefined ? records : later).push(Buffer.concat(parts));
      parts = [];
    }
  }
  if (parts.length > 0) brokenAt ??= startedAt;
  return { records, brokenAt, goesOn, later };
}

interface Found {
  readonly type: number;
  readonly payload: Buffer;
  readonly end: number;
}

function recordAt(file: Buffer, at: number): Found | undefined {
  if (at + HEADER_BYTES > file.length) return undefined;
  const length = file.readUInt16LE(at + 4);
  const type = file.readUInt8(at + 6);
  const start = at + HEADER_BYTES;
  const end = start + length;
  const blockEnd = at - (at % BLOCK_BYTES) + BLOCK_BYTES;
  if (type < FULL || type > LAST || end > Math.min(blockEnd, file.length)) return undefined;
  if (file.readUInt32LE(at) !== maskedCrc32c(file, at + 6, end)) return undefined;
  return { type, payload: file.subarray(start, end), end };
}

/** Where the next record begins. Looks at every byte, because a damaged length leads nowhere. */
function beginAfter(file: Buffer, from: number): number | undefined {
  for (let at = from; at + HEADER_BYTES <= file.length; at += 1) {
    const type = file[at + 6];
    if ((type === FULL || type === FIRST) && recordAt(file, at) !== undefined) return at;
  }
  return undefined;
}
