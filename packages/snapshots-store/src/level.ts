import { errnoOf, Fault, type FaultKind, reasonOf } from '@stowage/core';
import { Level } from 'level';
import { decodeEntry, type Entry } from './entry.ts';
import { type Head, parseHead } from './head.ts';
import type { OnScan } from './ledger.ts';
import type { Mark } from './mark.ts';

type Database = Level<string, string>;

/**
 * Opens the database and goes through all of it.
 *
 * @param mark - What it must hold; undefined if it may be new.
 * @returns no head for a new one.
 * @throws Fault `failed_precondition` if another process has it open; `data_loss` if anything is not as written.
 */
export async function openLevel(
  path: string,
  mark: Mark | undefined,
  onScan: OnScan,
): Promise<{ level: Database; head: Head | undefined }> {
  const level: Database = new Level(path, { createIfMissing: mark === undefined });
  try {
    await level.open();
  } catch (e) {
    throw faultOf(e, `open snapshot index ${path}`);
  }
  try {
    return { level, head: await check(level, path, mark, onScan) };
  } catch (e) {
    await level.close();
    throw faultOf(e, `open snapshot index ${path}`);
  }
}

async function check(level: Database, path: string, mark: Mark | undefined, onScan: OnScan) {
  const scan = onScan();
  let count = 0;
  let sum = 0;
  for await (const entry of readAll(level)) {
    count++;
    sum ^= entry.checksum;
    scan.entry(entry.key, entry.text);
  }
  const stored = await readValue(level, 'head');
  const head = stored === undefined ? undefined : parseHead(stored.text);
  const isNew = head === undefined && mark === undefined && count === 0;
  const wrong = isNew ? undefined : wrongWith(head, mark, count, sum >>> 0);
  if (wrong === undefined) {
    scan.end();
    return head;
  }
  throw new Fault(
    'data_loss',
    `check snapshot index ${path}: ${wrong}. What is left of it is copied to kept/damaged beside it; move the snapshotter's root away and unpack the images again`,
  );
}

function wrongWith(head: Head | undefined, mark: Mark | undefined, count: number, sum: number) {
  if (head === undefined) return 'its head is missing';
  if (mark !== undefined && mark.uuid !== head.uuid) return 'it is not the one that was here before';
  if (mark !== undefined && head.sequence < mark.sequence) {
    return `it ends at batch ${head.sequence}, though ${mark.sequence} was acknowledged`;
  }
  if (head.count !== count) return `it holds ${count} entries of ${head.count}`;
  return head.sum === sum ? undefined : 'an entry is not the one last written';
}

/** @throws Fault `data_loss` if the value is not the one that was written. */
export async function readEntry(level: Database, key: string): Promise<Entry | undefined> {
  return readValue(level, `s/${key}`);
}

async function readValue(level: Database, stored: string): Promise<Entry | undefined> {
  try {
    const value = await level.get(stored);
    return value === undefined ? undefined : checked(stored, value);
  } catch (e) {
    throw faultOf(e, `read snapshot index ${level.location}`);
  }
}

/** All entries as of one moment, by key. */
export async function* readAll(level: Database): AsyncGenerator<Entry & { key: string }> {
  try {
    for await (const [stored, value] of level.iterator({ gt: 's/', lt: 's0' })) {
      yield { key: stored.slice(2), ...checked(stored, value) };
    }
  } catch (e) {
    throw faultOf(e, `read snapshot index ${level.location}`);
  }
}

function checked(stored: string, value: string): Entry {
  const entry = decodeEntry(stored === 'head' ? stored : stored.slice(2), value);
  if (entry === undefined) {
    throw new Fault(
      'data_loss',
      `entry ${JSON.stringify(stored)} is damaged; restore it or unpack the images again`,
    );
  }
  return entry;
}

/** A level error as a Fault. `Level.open` hides the reason in its cause. */
export function faultOf(e: unknown, operation: string): Fault {
  if (Fault.is(e)) return e;
  const inner = (e as { cause?: unknown }).cause ?? e;
  const [kind, hint] = kindOf(errnoOf(inner) ?? errnoOf(e), reasonOf(inner));
  return new Fault(kind, `${operation}: ${hint ?? reasonOf(inner)}`, { cause: e });
}

function kindOf(code: string | undefined, reason: string): [FaultKind, string?] {
  if (code === 'LEVEL_LOCKED')
    return ['failed_precondition', 'another process has it open; stop that one first'];
  if (code === 'LEVEL_CORRUPTION' || code === 'LEVEL_NOT_FOUND') return ['data_loss'];
  if (/does not exist \(create_if_missing is false\)/.test(reason))
    return ['data_loss', 'the database is gone'];
  return /No space left|quota/i.test(reason) ? ['resource_exhausted'] : ['unavailable'];
}
