import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault, type Logger, quote } from '@stowage/core';
import { type FileLock, tryLock } from '@stowage/linux';
import { isSupervisorName, layout, supervisorDirectory, supervisorFiles } from '../layout.ts';
import { readTaskRecord } from '../supervisor/task-record.ts';
import { directoriesIn, removeUnrecorded } from '../supervisor/unrecorded.ts';
import { parseSupervisorName } from './groups.ts';
import { supervisorNames } from './launch.ts';

/** Enough of a log to tell why its writer died. */
const LAST_WORDS_BYTES = 2048;

/**
 * How many tasks each supervisor has, by its name, as their records tell. Those of a format that a later version writes
 * are none of this version's, and logged.
 */
export async function tasksByOwner(state: string, log: Logger): Promise<Map<string, number>> {
  const { tasks } = layout(state);
  const owners = new Map<string, number>();
  for (const namespace of await directoriesIn(tasks)) {
    for (const id of await directoriesIn(join(tasks, namespace))) {
      try {
        const record = await readTaskRecord(join(tasks, namespace, id));
        if (record === undefined) continue;
        const { owner } = record;
        if (!isSupervisorName(owner))
          throw new Fault('data_loss', `owner ${quote(owner)}: is no name of one`);
        owners.set(owner, (owners.get(owner) ?? 0) + 1);
      } catch (err) {
        log.warn({ err, namespace, id }, 'a task cannot be read');
      }
    }
  }
  return owners;
}

/**
 * The lock of a supervisor that is dead. Undefined if it lives, or another has its name by now; `gone` if it has no
 * directory any more.
 */
export async function lockOfDead(state: string, name: string): Promise<FileLock | 'gone' | undefined> {
  const { directory, lock } = supervisorFiles(supervisorDirectory(layout(state), name));
  try {
    await stat(directory);
    return tryLock(lock);
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return 'gone';
    throw e;
  }
}

/** Removes what a dead supervisor left, but tasks that it wrote down. False if it lives. */
export async function removeDead(state: string, name: string): Promise<boolean> {
  const lock = await lockOfDead(state, name);
  if (lock === undefined) return false;
  if (lock === 'gone') return true;
  // Nobody who starts one of the same name may find half of it.
  const { supervisors, tasks } = layout(state);
  const aside = join(supervisors, `.gone-${randomBytes(6).toString('hex')}`);
  try {
    await removeUnrecorded(tasks, name);
    await rename(join(supervisors, name), aside);
  } finally {
    lock[Symbol.dispose]();
  }
  await rm(aside, { recursive: true, force: true });
  return true;
}

/** Removes programs of which no supervisor is left, and what an interrupted removal left. */
export async function removePrograms(state: string, keep: string): Promise<void> {
  const { programs, supervisors } = layout(state);
  const needed = new Set([
    keep,
    ...(await supervisorNames(state)).map((name) => parseSupervisorName(name).build),
  ]);
  for (const build of await directoriesIn(programs)) {
    if (!needed.has(build)) await rm(join(programs, build), { recursive: true, force: true });
  }
  for (const name of await directoriesIn(supervisors)) {
    if (name.startsWith('.gone-')) await rm(join(supervisors, name), { recursive: true, force: true });
  }
}

/** The end of the log of a supervisor. */
export async function lastWords(state: string, name: string): Promise<string> {
  const { log } = supervisorFiles(supervisorDirectory(layout(state), name));
  try {
    await using file = await open(log, 'r');
    const { size } = await file.stat();
    const start = Math.max(0, size - LAST_WORDS_BYTES);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return '';
    throw e;
  }
}
