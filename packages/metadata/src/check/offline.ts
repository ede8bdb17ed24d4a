import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, Fault } from '@stowage/core';
import { levelFailure } from '../database/failures.ts';
import { damagedFiles } from '../database/files/verify-files.ts';
import { unseal } from '../database/frame.ts';
import { lockedBy, nameOf } from '../database/holder.ts';
import { LOG_START_KEY, listPrefix, META_KEY, rangeOf, seqOf } from '../database/keys.ts';
import { MARK_FILE, type Mark, newerSchema, readMark, SCHEMA } from '../database/mark.ts';
import { newStore, rawStore, type Store } from '../database/store.ts';
import { checkAll } from './check.ts';
import { copyDatabase, workDirectory } from './copy.ts';
import { fileFinding } from './damage.ts';
import type { Finding } from './finding.ts';
import type { CheckSources } from './sources.ts';

/** What a database that nobody has open is compared with. */
export type BackendSources = Pick<CheckSources, 'content' | 'snapshotters'>;

/**
 * Checks the database in a directory that no daemon has open, by a copy: the original is not opened, and nothing of it
 * changes.
 *
 * @throws Fault `not_found` if there is none; `failed_precondition` if somebody has it open; `unimplemented` if a newer
 *   Stowage wrote it.
 */
export async function* checkOffline(
  directory: string,
  backends: BackendSources,
  options: CallOptions = {},
): AsyncGenerator<Finding> {
  const { mark, findings } = await markOf(directory);
  yield* findings;
  await refuseIfOpen(directory);
  await using work = await workDirectory(directory);
  const copy = join(work.path, 'db');
  if (!(await copyDatabase(join(directory, 'db'), copy))) {
    yield {
      severity: 'error',
      code: 'unopenable',
      subject: 'db',
      text: 'it is gone',
      remedy: (await readdir(directory)).includes('repaired')
        ? 'a repair was interrupted; "stowaged check --repair" ends it'
        : 'put it back from a copy, or move all of the root away to begin anew',
    };
    return;
  }
  yield* checkCopy(copy, mark, backends, options);
}

/** Checks a database that is there to be opened. */
export async function* checkCopy(
  copy: string,
  mark: Mark | undefined,
  backends: BackendSources,
  options: CallOptions = {},
): AsyncGenerator<Finding> {
  for await (const { name, text } of damagedFiles(copy)) yield fileFinding(name, text);
  const store = newStore(copy, { createIfMissing: false });
  try {
    await store.open();
  } catch (e) {
    yield {
      severity: 'error',
      code: 'unopenable',
      subject: 'db',
      text: `LevelDB does not open it: ${levelFailure(e).reason}`,
      remedy: 'put it back from a copy, or let "stowaged check --repair" keep what is whole',
    };
    return;
  }
  try {
    yield* againstMark(store, mark);
    yield* checkAll({ store: rawStore(store), ...backends }, options);
  } finally {
    await store.close();
  }
}

/** The mark, or what is wrong with it. @throws Fault `not_found` where there never was a database. */
async function markOf(
  directory: string,
): Promise<{ readonly mark: Mark | undefined; readonly findings: readonly Finding[] }> {
  const names = await readdir(directory).catch(() => []);
  if (!names.some((name) => [MARK_FILE, 'db', 'aside', 'repaired'].includes(name)))
    throw new Fault('not_found', `check ${directory}: there is no metadata`);
  const wrong = (text: string): Finding => ({
    severity: 'error',
    code: 'mark',
    subject: MARK_FILE,
    text,
    remedy:
      '"stowaged check --repair" makes it anew; what is acknowledged and lost can then not be told any more',
  });
  try {
    const mark = await readMark(join(directory, MARK_FILE));
    if (mark === undefined) return { mark, findings: [wrong('it is missing')] };
    if (mark.schema > SCHEMA) throw newerSchema(`check ${directory}`, mark.schema);
    return { mark, findings: [] };
  } catch (e) {
    if (!Fault.is(e, 'data_loss')) throw e;
    return { mark: undefined, findings: [wrong('it is not what Stowage writes there')] };
  }
}

async function* againstMark(store: Store, mark: Mark | undefined): AsyncGenerator<Finding> {
  if (mark === undefined || mark.seq === 0n) return;
  const wrong = (text: string): Finding => ({
    severity: 'error',
    code: 'mark',
    subject: MARK_FILE,
    text,
    remedy: 'put the database back from a copy, or let "stowaged check --repair" go on from what is left',
  });
  const found = await identityOf(store);
  if (found.uuid !== undefined && found.uuid !== mark.uuid)
    yield wrong(`it is of database ${mark.uuid}, but this is ${found.uuid}`);
  if (found.seq < mark.seq)
    yield wrong(`mutation ${mark.seq} was acknowledged, but the database ends with ${found.seq}`);
}

/** What a store says of itself, as far as it can be read. */
export async function identityOf(
  store: Store,
): Promise<{ readonly uuid: string | undefined; readonly seq: bigint }> {
  const read = async (key: string) => {
    try {
      const value = await store.get(key);
      return value && Buffer.from(unseal(key, value).payload).toString();
    } catch (e) {
      // The scan tells it, with its key.
      if (Fault.is(e, 'data_loss')) return undefined;
      throw e;
    }
  };
  const meta = await read(META_KEY);
  const start = await read(LOG_START_KEY);
  const [last] = await store.keys({ ...rangeOf(listPrefix('log')), reverse: true, limit: 1 }).all();
  return {
    uuid: meta === undefined ? undefined : (JSON.parse(meta) as { uuid: string }).uuid,
    seq: last !== undefined ? seqOf('log', last) : start === undefined ? 0n : BigInt(start) - 1n,
  };
}

export async function refuseIfOpen(directory: string): Promise<void> {
  const pid = await lockedBy(join(directory, 'db', 'LOCK'));
  if (pid === undefined) return;
  throw new Fault('failed_precondition', `check ${directory}: ${await nameOf(pid)} has it open`);
}
