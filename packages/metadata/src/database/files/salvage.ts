import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader } from './byte-reader.ts';
import { readLogRecords } from './log-records.ts';
import { readableEntries } from './table.ts';
import { readIfThere, readManifest } from './verify-files.ts';

/** What could be read of a database whose files are damaged. */
export interface Salvage {
  /** The newest of what is readable for each key. */
  readonly values: ReadonlyMap<string, Uint8Array>;
  /** What could not be read, one sentence each. */
  readonly losses: readonly string[];
  /** Whether files were read that may have been thrown away already: then what was deleted may be there again. */
  readonly isGuess: boolean;
}

const PUT = 1;

interface Version {
  readonly seq: bigint;
  /** Undefined if it was deleted. */
  readonly value: Buffer | undefined;
}

/**
 * Reads all blocks and records of a database that match their checksums, and nothing else, without LevelDB. (Its own
 * repair does not look at checksums, so it would mix in what is damaged.) Holds all of it in memory.
 *
 * Where a deletion is what was lost, the value before it is there again (google/leveldb#251).
 */
export async function salvage(database: string): Promise<Salvage> {
  const manifest = await readManifest(database);
  const isGuess = 'name' in manifest;
  const versions = new Map<string, Version>();
  const losses: string[] = [];
  const add = (key: Buffer, seq: bigint, value: Buffer | undefined) => {
    const text = key.toString();
    // Keys are UTF-8; others would come from damage that no checksum found.
    if (!Buffer.from(text).equals(key)) return;
    const known = versions.get(text);
    if (known === undefined || known.seq < seq) versions.set(text, { seq, value });
  };
  for (const name of (await readdir(database)).sort()) {
    const number = Number.parseInt(name, 10);
    const path = join(database, name);
    if (name.endsWith('.ldb') && (isGuess || manifest.tables.has(number))) {
      const { entries, lostBlocks } = readableEntries((await readIfThere(path)) ?? Buffer.alloc(0));
      for (const [key, value] of entries) {
        const tag = key.readBigUInt64LE(key.length - 8);
        add(key.subarray(0, -8), tag >> 8n, Number(tag & 255n) === PUT ? value : undefined);
      }
      if (lostBlocks() > 0) losses.push(`${name}: ${lostBlocks()} blocks of it can't be read`);
    } else if (/^\d+\.log$/.test(name) && (isGuess || number >= manifest.logNumber)) {
      const { records, later, brokenAt } = readLogRecords((await readIfThere(path)) ?? Buffer.alloc(0));
      for (const record of [...records, ...later]) addBatch(record, add);
      if (brokenAt !== undefined) losses.push(`${name}: a record at byte ${brokenAt} of it can't be read`);
    }
  }
  const values = new Map<string, Uint8Array>();
  for (const [key, { value }] of versions) if (value !== undefined) values.set(key, value);
  return { values, losses, isGuess };
}

/** @see LevelDB db/write_batch.cc */
function addBatch(record: Buffer, add: (key: Buffer, seq: bigint, value: Buffer | undefined) => void): void {
  let seq = record.readBigUInt64LE(0);
  const reader = new ByteReader(record, 12);
  for (; !reader.isAtEnd; seq += 1n) {
    const isPut = reader.take(1).readUInt8() === PUT;
    const key = reader.slice();
    add(key, seq, isPut ? reader.slice() : undefined);
  }
}
