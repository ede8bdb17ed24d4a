import { ByteReader } from './byte-reader.ts';
import { maskedCrc32c } from './crc32c.ts';
import type { LiveTable } from './manifest.ts';
import { unsnappy } from './snappy.ts';

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
const SNAPPY = 1;

interface Handle {
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * Holds all of a table against its checksums, and against what the MANIFEST says of it. The checksums cover its
 * indexes and filters too: damage there makes a value that is there not be found.
 *
 * @returns what is wrong with it.
 * @see LevelDB doc/table_format.md
 */
export function wrongWithTable(file: Buffer, table: LiveTable): string | undefined {
  if (file.length !== table.sizeBytes) return `it has ${file.length} bytes instead of ${table.sizeBytes}`;
  try {
    const { meta, index } = footerOf(file);
    for (const [, handle] of entriesOf(blockOf(file, meta))) blockOf(file, handleIn(new ByteReader(handle)));
    const blocks = entriesOf(blockOf(file, index)).map(([, handle]) => handleIn(new ByteReader(handle)));
    // The first and the last are also looked into.
    for (const handle of blocks.slice(1, -1)) checkBlock(file, handle);
    const [first, last] = [blocks.at(0), blocks.at(-1)];
    if (first === undefined || last === undefined) return 'it is empty';
    const smallest = entriesOf(blockOf(file, first)).at(0)?.[0];
    const largest = entriesOf(blockOf(file, last)).at(-1)?.[0];
    if (!smallest?.equals(table.smallest) || !largest?.equals(table.largest))
      return 'it holds other keys than those that belong there';
    return undefined;
  } catch (e) {
    if ((e as Error).name === 'RangeError') return (e as Error).message;
    throw e;
  }
}

/** All that can be read of a table, by keys with the eight bytes that LevelDB adds. */
export function readableEntries(file: Buffer): {
  readonly entries: Iterable<readonly [key: Buffer, value: Buffer]>;
  readonly lostBlocks: () => number;
} {
  let lost = 0;
  function* entries() {
    for (const [, handle] of attempt(() => entriesOf(blockOf(file, footerOf(file).index))))
      yield* attempt(() => entriesOf(blockOf(file, handleIn(new ByteReader(handle)))));
  }
  const attempt = (read: () => ReturnType<typeof entriesOf>) => {
    try {
      return read();
    } catch (e) {
      if ((e as Error).name !== 'RangeError') throw e;
      lost += 1;
      return [];
    }
  };
  return { entries: entries(), lostBlocks: () => lost };
}

function footerOf(file: Buffer): { readonly meta: Handle; readonly index: Handle } {
  const footer = file.subarray(Math.max(0, file.length - FOOTER_BYTES));
  if (footer.length < FOOTER_BYTES || footer.readBigUInt64LE(40) !== MAGIC)
    throw new RangeError('its end is damaged');
  const reader = new ByteReader(footer);
  return { meta: handleIn(reader), index: handleIn(reader) };
}

function handleIn(reader: ByteReader): Handle {
  return { offset: reader.varint(), sizeBytes: reader.varint() };
}

function checkBlock(file: Buffer, { offset, sizeBytes }: Handle): void {
  const end = offset + sizeBytes + 1;
  if (end + 4 > file.length || file.readUInt32LE(end) !== maskedCrc32c(file, offset, end))
    throw new RangeError(`the block at byte ${offset} does not match its checksum`);
}

function blockOf(file: Buffer, handle: Handle): Buffer {
  checkBlock(file, handle);
  const { offset, sizeBytes } = handle;
  const stored = file.subarray(offset, offset + sizeBytes);
  return file.readUInt8(offset + sizeBytes) === SNAPPY ? unsnappy(stored) : stored;
}

function entriesOf(block: Buffer): Array<readonly [key: Buffer, value: Buffer]> {
  const restarts = block.readUInt32LE(block.length - 4);
  const body = block.subarray(0, block.length - 4 * (restarts + 1));
  const reader = new ByteReader(body);
  const entries: Array<readonly [Buffer, Buffer]> = [];
  let key: Buffer = Buffer.alloc(0);
  while (!reader.isAtEnd) {
    const [shared, unshared, length] = [reader.varint(), reader.varint(), reader.varint()];
    key = Buffer.concat([key.subarray(0, shared), reader.take(unshared)]);
    entries.push([key, reader.take(length)]);
  }
  return entries;
}
