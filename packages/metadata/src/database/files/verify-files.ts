import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAbsent } from '@stowage/core';
import { type LogRecords, readLogRecords } from './log-records.ts';
import { type Version, versionOf } from './manifest.ts';
import { wrongWithTable } from './table.ts';

/** A file of the database that is not what was written. */
export interface DamagedFile {
  readonly name: string;
  /** What is wrong with it, of "it". */
  readonly text: string;
}

/**
 * Holds the files of a LevelDB database against their checksums and against each other, without opening it, one file in
 * memory at a time. LevelDB verifies none of them when it reads, and answers "not found" for what an index or a
 * filter no longer leads to.
 *
 * What a crash may do is no damage: a last record that is cut off, files that were not in use yet or no more.
 */
export async function* damagedFiles(database: string): AsyncGenerator<DamagedFile> {
  const manifest = await readManifest(database);
  if ('name' in manifest) {
    yield manifest;
    return;
  }
  for (const table of manifest.tables.values()) {
    const name = `${numbered(table.number)}.ldb`;
    const file = await readIfThere(join(database, name));
    const text = file === undefined ? 'it is gone' : wrongWithTable(file, table);
    if (text !== undefined) yield { name, text };
  }
  yield* damagedLogs(database, manifest);
}

/** What the database is made of, or the file for which that can't be told. */
export async function readManifest(database: string): Promise<Version | DamagedFile> {
  const current = await readIfThere(join(database, 'CURRENT'));
  if (current === undefined) return { name: 'CURRENT', text: 'it is gone' };
  const [, name] = /^(MANIFEST-\d+)\n$/.exec(current.toString('latin1')) ?? [];
  if (name === undefined) return { name: 'CURRENT', text: 'it names no MANIFEST' };
  const file = await readIfThere(join(database, name));
  if (file === undefined) return { name, text: 'it is gone' };
  const found = readLogRecords(file);
  if (found.goesOn) return { name, text: brokenText(found) };
  try {
    return versionOf(found.records);
  } catch (e) {
    if ((e as Error).name === 'RangeError') return { name, text: (e as Error).message };
    throw e;
  }
}

async function* damagedLogs(
  database: string,
  { logNumber, previousLogNumber }: Version,
): AsyncGenerator<DamagedFile> {
  const logs = (await readdir(database))
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => ({ name, number: Number.parseInt(name, 10) }))
    .filter(({ number }) => number >= logNumber || number === previousLogNumber)
    .sort((a, b) => a.number - b.number);
  // It is made, and its name synced, before the MANIFEST says that it is in use.
  if (logNumber > 0 && !logs.some(({ number }) => number === logNumber))
    yield { name: `${numbered(logNumber)}.log`, text: 'it is gone' };
  let cut: { readonly name: string; readonly found: LogRecords } | undefined;
  for (const { name } of logs) {
    const found = readLogRecords((await readIfThere(join(database, name))) ?? Buffer.alloc(0));
    if (cut !== undefined && found.records.length > 0) yield { name: cut.name, text: brokenText(cut.found) };
    cut = undefined;
    if (found.goesOn) yield { name, text: brokenText(found) };
    else if (found.brokenAt !== undefined) cut = { name, found };
  }
}

function brokenText({ brokenAt = 0 }: LogRecords): string {
  return `the record at byte ${brokenAt} does not match its checksum, and it goes on behind it`;
}

function numbered(n: number): string {
  return String(n).padStart(6, '0');
}

export function readIfThere(path: string): Promise<Buffer | undefined> {
  return unlessAbsent(readFile(path));
}
