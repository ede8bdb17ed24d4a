import { randomUUID } from 'node:crypto';
import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@stowage/core';
import { syncDirectory } from '@stowage/core/durable';
import { copyAside, openedWell } from './aside.ts';
import { evidenceIn, type FindEvidence } from './evidence.ts';
import { kindOfFailure, levelFailure } from './failures.ts';
import { damagedFiles } from './files/verify-files.ts';
import { seal, unseal } from './frame.ts';
import { lockedBy, nameOf } from './holder.ts';
import { listKey, listPrefix, META_KEY, seqOf } from './keys.ts';
import { MARK_FILE, type Mark, newerSchema, readMark, SCHEMA, writeMark } from './mark.ts';
import { Milestones, timeOfEntry } from './milestones.ts';
import { damageText, scan } from './scan.ts';
import { newStore, rawStore, type Store } from './store.ts';

/** A database that was found to be whole. */
export interface Opened {
  readonly store: Store;
  readonly uuid: string;
  /** Number of the last mutation in it. */
  readonly seq: bigint;
  /** Number with which its log begins. */
  readonly logStart: bigint;
  /** When the entries of its log were written. */
  readonly milestones: Milestones;
}

export interface GuardOptions {
  /** A mutation known to be acknowledged, if this process had it open before. */
  readonly atLeast?: bigint | undefined;
  /** Looks further for what tells that there was a database, before a new one is made. */
  readonly evidence?: FindEvidence | undefined;
}

/**
 * Opens the database in `directory`, or makes it there, and refuses one that has lost anything.
 *
 * LevelDB opens nearly everything: a missing CURRENT gives a new, empty database, a damaged log one without its tail,
 * a damaged table wrong answers. So its files are held against their checksums before, and then what is in it: every
 * value against its own, the log, which must be without a gap, and the mark beside it.
 *
 * The mark is written before the database is made. So where there is none, there must be nothing else either.
 *
 * @throws Fault `data_loss`, naming a copy of the files as they were; `failed_precondition` if somebody has it open;
 *   `unimplemented` if a newer Stowage wrote it; `unavailable` or `resource_exhausted` if it may open later.
 */
export async function openGuarded(directory: string, options: GuardOptions = {}): Promise<Opened> {
  const { atLeast = 0n, evidence } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const root = await realpath(directory);
  const at = join(root, 'db');
  const markPath = join(root, MARK_FILE);
  let mark = await readMark(markPath);
  if (mark !== undefined && mark.schema > SCHEMA) throw newerSchema(`open metadata ${at}`, mark.schema);
  await refuseIfOpen(at);
  if (mark === undefined) {
    const found = (await evidenceIn(root)) ?? (await evidence?.());
    if (found !== undefined) throw unmarked(root, found);
    mark = { uuid: randomUUID(), schema: SCHEMA, seq: 0n };
    await writeMark(markPath, mark);
  }
  if (mark.seq === 0n) await removeUnfinished(at);
  const aside = join(root, 'aside');
  const copy = await copyAside(at, aside);
  const lost = (what: string, cause?: unknown) => lostIn(at, what, copy, cause);
  if (mark.seq > 0n) {
    for await (const { name, text } of damagedFiles(at))
      throw lost(`${name}: ${text}${await interrupted(root)}`);
  }
  const store = newStore(at, { createIfMissing: mark.seq === 0n });
  try {
    await store.open();
  } catch (e) {
    throw await refusal(at, copy, e);
  }
  try {
    const opened = await inspect(store, mark, atLeast, lost);
    if (mark.seq === 0n) {
      await syncDirectory(root);
      await writeMark(markPath, { ...mark, seq: opened.seq });
    }
    await openedWell(copy, aside);
    return opened;
  } catch (e) {
    await store.close();
    throw Fault.is(e) ? e : await refusal(at, copy, e);
  }
}

async function inspect(
  store: Store,
  mark: Mark,
  atLeast: bigint,
  lost: (what: string) => Fault,
): Promise<Opened> {
  const milestones = new Milestones();
  const log = listPrefix('log');
  const { meta, isEmpty, seq, logStart } = await scan(rawStore(store), {
    damage(damage) {
      throw lost(damageText(damage));
    },
    entry(key, value) {
      if (!key.startsWith(log)) return;
      const entrySeq = seqOf('log', key);
      if (Milestones.isOne(entrySeq)) milestones.add(entrySeq, timeOfEntry(unseal(key, value).payload));
    },
  });
  if (meta === undefined) {
    if (mark.seq > 0n || !isEmpty) throw lost('it is empty, but there was something in it');
    return initialise(store, mark.uuid);
  }
  if (meta.schema > SCHEMA) throw newerSchema(`open metadata ${store.location}`, meta.schema);
  if (mark.uuid !== meta.uuid) throw lost(`it is database ${meta.uuid}, but ${mark.uuid} belongs here`);
  const acknowledged = mark.seq > atLeast ? mark.seq : atLeast;
  if (seq < acknowledged) throw lost(`it ends with mutation ${seq}, but ${acknowledged} was acknowledged`);
  return { store, uuid: meta.uuid, seq, logStart, milestones };
}

async function initialise(store: Store, uuid: string): Promise<Opened> {
  const meta = Buffer.from(JSON.stringify({ uuid, schema: SCHEMA }));
  const first = listKey('log', 1n);
  await store.batch(
    [
      { type: 'put', key: META_KEY, value: seal(META_KEY, meta) },
      { type: 'put', key: first, value: seal(first, new Uint8Array()) },
    ],
    { sync: true },
  );
  return { store, uuid, seq: 1n, logStart: 1n, milestones: new Milestones() };
}

/**
 * Nothing was acknowledged before the mark says so: what a first start left that a power cut interrupted is no loss,
 * and LevelDB may not be able to open it.
 */
async function removeUnfinished(at: string): Promise<void> {
  const files = await readdir(at).catch(() => []);
  if (!files.some((name) => name.endsWith('.ldb'))) await rm(at, { recursive: true, force: true });
}

async function refuseIfOpen(at: string): Promise<void> {
  const pid = await lockedBy(join(at, 'LOCK'));
  if (pid === undefined) return;
  const text =
    pid === process.pid
      ? 'this process has it open already'
      : `${await nameOf(pid)} has it open; stop that one or use another root`;
  throw new Fault('failed_precondition', `open metadata ${at}: ${text}`);
}

async function refusal(at: string, copy: string | undefined, e: unknown): Promise<Fault> {
  const { cause, reason, isLocked } = levelFailure(e);
  if (isLocked) {
    const text = `open metadata ${at}: another process has it open; stop that one or use another root`;
    return new Fault('failed_precondition', text, { cause });
  }
  const kind = kindOfFailure(reason);
  if (kind === 'data_loss') return lostIn(at, reason, copy, cause);
  return new Fault(kind, `open metadata ${at}: ${reason}`, { cause });
}

function lostIn(at: string, what: string, copy: string | undefined, cause?: unknown): Fault {
  const kept = copy === undefined ? '' : `. Its files as they were before are in ${copy}`;
  const text = `open metadata ${at}: ${what}${kept}. "stowaged check" says what is whole, "stowaged check --repair" keeps that`;
  return new Fault('data_loss', text, { cause });
}

function unmarked(root: string, found: string): Fault {
  const text = `open metadata ${root}: ${MARK_FILE} is missing, but there was a database: ${found} is there. Put back what is missing, try "stowaged check --repair", or move all of the root away to begin anew`;
  return new Fault('data_loss', text);
}

async function interrupted(root: string): Promise<string> {
  const names = await readdir(root);
  return names.includes('repaired') && !names.includes('db')
    ? '; a repair was interrupted, "stowaged check --repair" ends it'
    : '';
}
