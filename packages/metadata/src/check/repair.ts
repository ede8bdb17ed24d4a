import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, Fault } from '@stowage/core';
import { syncDirectory } from '@stowage/core/durable';
import { levelFailure } from '../database/failures.ts';
import { salvage } from '../database/files/salvage.ts';
import { damagedFiles } from '../database/files/verify-files.ts';
import { MARK_FILE, type Mark, newerSchema, readMark, SCHEMA, writeMark } from '../database/mark.ts';
import { newStore, type Store } from '../database/store.ts';
import { copyDatabase } from './copy.ts';
import type { Finding } from './finding.ts';
import { mend, writeAll } from './mend.ts';
import { type BackendSources, checkCopy, refuseIfOpen } from './offline.ts';

export interface Repaired {
  /** What was done, one sentence each, in order. */
  readonly actions: readonly string[];
  /** What a check of the repaired database says. */
  readonly findings: readonly Finding[];
}

/** While it is being made. */
const UNFINISHED = 'repairing';
/** When it is whole, and waits for its place. */
const FINISHED = 'repaired';

/**
 * Makes a database out of what is whole of the one in a directory, which no daemon has open. Nothing that fails its
 * checksum is kept, and of what contradicts itself or the disk, what can be had again by pulling is dropped.
 *
 * All is done in a copy, `repairing`. When it is whole it becomes `repaired`, the old one moves to
 * `db.damaged-<time>`, and the new one to `db`. A crash leaves the old database, or none and `repaired`: a daemon then
 * refuses to start, and another repair ends it.
 *
 * What is lost may be that something was deleted: such records are back then. Those that the disk has nothing for are
 * dropped again.
 *
 * @throws Fault `not_found` if there is nothing to repair; `failed_precondition` if somebody has it open;
 *   `unimplemented` if a newer Stowage wrote it; `data_loss` if nothing can be made of it. It is as it was then.
 */
export async function repairOffline(
  directory: string,
  backends: BackendSources,
  options: CallOptions & { readonly now?: Date } = {},
): Promise<Repaired> {
  const { now = new Date(), signal } = options;
  const actions: string[] = [];
  const mark = await readableMark(directory, actions);
  await refuseIfOpen(directory);
  const unfinished = join(directory, UNFINISHED);
  const finished = join(directory, FINISHED);
  await rm(unfinished, { recursive: true, force: true });
  const names = await readdir(directory);
  if (names.includes(FINISHED) && !names.includes('db'))
    actions.push('an earlier repair was interrupted; its result is used');
  else {
    await rm(finished, { recursive: true, force: true });
    if (mark?.seq === 0n)
      throw new Fault(
        'failed_precondition',
        `repair ${directory}: nothing was ever written; start the daemon`,
      );
    if (!(await copyOrSalvage(join(directory, 'db'), unfinished, actions)))
      throw new Fault('not_found', `repair ${directory}: there is no database in it`);
    signal?.throwIfAborted();
    await rename(unfinished, finished);
  }
  const made = await withStore(finished, { createIfMissing: false }, (store) =>
    mend(store, mark, backends, options),
  );
  actions.push(...made.actions);
  const next: Mark = { uuid: made.uuid, schema: SCHEMA, seq: made.seq };
  const findings = await Array.fromAsync(checkCopy(finished, next, backends, { signal }));
  if (findings.some(({ code }) => ['unopenable', 'file', 'value', 'log', 'mark'].includes(code)))
    throw new Fault(
      'data_loss',
      `repair ${directory}: what was made is not whole either; it is in ${finished}`,
    );
  await syncAll(finished);
  await putInPlace(directory, next, now, actions);
  return { actions, findings };
}

/** Makes a copy that LevelDB opens, and that is read rightly: of the files themselves, where those are not. */
async function copyOrSalvage(from: string, to: string, actions: string[]): Promise<boolean> {
  if (!(await copyDatabase(from, to))) return false;
  const damaged = await Array.fromAsync(damagedFiles(to));
  for (const { name, text } of damaged) actions.push(`${name}: ${text}`);
  if (damaged.length === 0 && (await opens(to))) return true;
  const { values, losses, isGuess } = await salvage(to);
  await rm(to, { recursive: true });
  actions.push(...losses, `${values.size} values were read from what is left of the files`);
  if (values.size === 0)
    throw new Fault('data_loss', `repair ${from}: nothing in it can be read. It is as it was`);
  actions.push(
    isGuess || losses.length > 0
      ? 'records that were deleted before may be back: those that the disk has nothing for are dropped, look at the others'
      : 'nothing of them was lost',
  );
  const entries = [...values].map(([key, value]) => ({ type: 'put' as const, key, value }));
  await withStore(to, { createIfMissing: true }, (store) => writeAll(store, entries));
  return true;
}

async function opens(path: string): Promise<boolean> {
  const store = newStore(path, { createIfMissing: false });
  try {
    await store.open();
  } catch {
    return false;
  }
  await store.close();
  return true;
}

async function withStore<T>(
  path: string,
  options: { readonly createIfMissing: boolean },
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = newStore(path, options);
  try {
    await store.open();
    return await use(store);
  } catch (e) {
    if (Fault.is(e)) throw e;
    throw new Fault('data_loss', `repair ${path}: ${levelFailure(e).reason}`, { cause: e });
  } finally {
    await store.close();
  }
}

async function putInPlace(directory: string, mark: Mark, now: Date, actions: string[]): Promise<void> {
  const suffix = `damaged-${now.toISOString().replace(/[-:.]/g, '')}`;
  const names = await readdir(directory);
  // The copies aside are of the old one, and the next start would take the last of them for a copy of this one.
  for (const name of ['db', 'aside']) {
    if (!names.includes(name)) continue;
    await rename(join(directory, name), join(directory, `${name}.${suffix}`));
    actions.push(`what ${name} was is kept as ${join(directory, `${name}.${suffix}`)}`);
  }
  await rename(join(directory, FINISHED), join(directory, 'db'));
  await writeMark(join(directory, MARK_FILE), mark);
  await syncDirectory(directory);
}

/** LevelDB does not sync all that a repair writes. */
async function syncAll(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    await using file = await open(join(directory, name), 'r');
    await file.sync();
  }
  await syncDirectory(directory);
}

async function readableMark(directory: string, actions: string[]): Promise<Mark | undefined> {
  let mark: Mark | undefined;
  try {
    mark = await readMark(join(directory, MARK_FILE));
    if (mark === undefined) actions.push(`${MARK_FILE} was missing and is made anew`);
  } catch (e) {
    if (!Fault.is(e, 'data_loss')) throw e;
    actions.push(`${MARK_FILE} was damaged and is made anew`);
  }
  if (mark !== undefined && mark.schema > SCHEMA) throw newerSchema(`repair ${directory}`, mark.schema);
  return mark;
}
