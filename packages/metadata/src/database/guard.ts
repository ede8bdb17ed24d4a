import { randomUUID } from 'node:crypto';
import { mkdir, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, type FaultKind, reasonOf } from '@stowage/core';
import { Level } from 'level';
import { copyAside, openedWell } from './aside.ts';
import { seal, unseal } from './frame.ts';
import { holderOf, openHere } from './holder.ts';
import { LOG_START_KEY, listKey, listPrefix, META_KEY, rangeOf, seqOf } from './keys.ts';
import { type Mark, readMark, writeMark } from './mark.ts';

export const SCHEMA = 1;
export const MARK_FILE = 'metadata.mark';

export type Store = Level<string, Uint8Array>;

/** A database that was found to be whole. */
export interface Opened {
  readonly store: Store;
  readonly uuid: string;
  /** Number of the last mutation in it. */
  readonly seq: bigint;
  /** Number with which its log begins. */
  readonly logStart: bigint;
}

/**
 * Opens the database in `directory`, or makes it there, and refuses one that has lost anything.
 *
 * LevelDB opens nearly everything: a missing CURRENT gives a new, empty database, and a damaged log one without its
 * tail. So what is found is compared with the mark beside it, and the log in it must be without a gap.
 *
 * @param atLeast - A mutation known to be acknowledged, if this process had it open before.
 * @throws Fault `data_loss`, naming a copy of the files as they were; `failed_precondition` if somebody has it open or
 *   a newer Stowage wrote it; `unavailable` or `resource_exhausted` if it may open later.
 */
export async function openGuarded(directory: string, atLeast = 0n): Promise<Opened> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const root = await realpath(directory);
  const at = join(root, 'db');
  const lock = join(at, 'LOCK');
  if (await openHere(lock))
    throw new Fault('failed_precondition', `open metadata ${at}: this process has it open already`);
  const markPath = join(root, MARK_FILE);
  const mark = await readMark(markPath);
  if (mark !== undefined && mark.schema > SCHEMA) throw newer(at, mark.schema);
  const aside = join(root, 'aside');
  const copy = await copyAside(at, aside);
  const store: Store = new Level(at, { valueEncoding: 'view', createIfMissing: mark === undefined });
  try {
    await store.open();
  } catch (e) {
    throw await refusal(at, lock, copy, e);
  }
  try {
    const opened = await inspect(store, at, copy, mark, atLeast);
    if (mark === undefined) {
      await syncDirectory(root);
      await writeMark(markPath, { uuid: opened.uuid, schema: SCHEMA, seq: opened.seq });
    }
    await openedWell(copy, aside);
    return opened;
  } catch (e) {
    await store.close();
    throw e;
  }
}

async function inspect(
  store: Store,
  at: string,
  copy: string | undefined,
  mark: Mark | undefined,
  atLeast: bigint,
): Promise<Opened> {
  const lost = (what: string) => new Fault('data_loss', `open metadata ${at}: ${what}${keptIn(copy)}`);
  const bytes = await store.get(META_KEY);
  if (bytes === undefined) {
    if (mark !== undefined) throw lost('it is empty, but there was something in it');
    return initialise(store);
  }
  const { uuid, schema } = JSON.parse(Buffer.from(unseal(META_KEY, bytes).payload).toString()) as Mark;
  if (schema > SCHEMA) throw newer(at, schema);
  if (mark !== undefined && mark.uuid !== uuid)
    throw lost(`it is database ${uuid}, but ${mark.uuid} belongs here`);
  const start = await store.get(LOG_START_KEY);
  const logStart =
    start === undefined ? 1n : BigInt(Buffer.from(unseal(LOG_START_KEY, start).payload).toString());
  let seq = logStart - 1n;
  for await (const key of store.keys(rangeOf(listPrefix('log')))) {
    const next = seqOf('log', key);
    if (next !== seq + 1n) throw lost(`mutations ${seq + 1n} to ${next - 1n} are missing`);
    seq = next;
  }
  const acknowledged = mark !== undefined && mark.seq > atLeast ? mark.seq : atLeast;
  if (seq < acknowledged) throw lost(`it ends with mutation ${seq}, but ${acknowledged} was acknowledged`);
  // The mark is written before the first mutation of a caller, so somebody took it away.
  if (mark === undefined && seq > 1n) throw lost(`${MARK_FILE} is missing beside it`);
  return { store, uuid, seq, logStart };
}

async function initialise(store: Store): Promise<Opened> {
  const uuid = randomUUID();
  const meta = Buffer.from(JSON.stringify({ uuid, schema: SCHEMA }));
  const first = listKey('log', 1n);
  await store.batch(
    [
      { type: 'put', key: META_KEY, value: seal(META_KEY, meta) },
      { type: 'put', key: first, value: seal(first, new Uint8Array()) },
    ],
    { sync: true },
  );
  return { store, uuid, seq: 1n, logStart: 1n };
}

async function refusal(at: string, lock: string, copy: string | undefined, e: unknown): Promise<Fault> {
  const cause = (e as { cause?: unknown }).cause ?? e;
  const reason = reasonOf(cause);
  if ((cause as { code?: unknown }).code === 'LEVEL_LOCKED') {
    const text = `open metadata ${at}: ${await holderOf(lock)} has it open; stop that one or use another root`;
    return new Fault('failed_precondition', text, { cause });
  }
  const kind = kindOfFailure(reason);
  return new Fault(kind, `open metadata ${at}: ${reason}${kind === 'data_loss' ? keptIn(copy) : ''}`, {
    cause,
  });
}

/** Sorts what LevelDB says, which is a text with strerror(3) in it, by what may be done about it. */
export function kindOfFailure(reason: string): FaultKind {
  if (/No space left|Disk quota/i.test(reason)) return 'resource_exhausted';
  if (/Corruption|does not exist|No such file|CURRENT/i.test(reason)) return 'data_loss';
  return 'unavailable';
}

function keptIn(copy: string | undefined): string {
  return copy === undefined ? '' : `. Its files as they were before are in ${copy}`;
}

function newer(at: string, schema: number): Fault {
  return new Fault(
    'failed_precondition',
    `open metadata ${at}: a newer Stowage wrote it (schema ${schema}, this one knows ${SCHEMA}); use that one`,
  );
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}
