import { access, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, Fault, type Mount } from '@stowage/core';
import type { Stdio } from '@stowage/runtime';
import type { LoggerRecord } from './logging-binary.ts';
import type { RestorePoint } from './restore.ts';
import type { RuntimeChoice } from './runtime-choice.ts';

/**
 * `creating`: the runtime was or will be asked to make it. `starting`: the same of its start. What came of it only
 * the runtime knows, if this process died before it wrote that down.
 */
export type ProcessPhase = 'creating' | 'created' | 'starting' | 'running' | 'stopped';

export interface ProcessRecord {
  readonly phase: ProcessPhase;
  readonly stdio: Stdio;
  readonly stdinClosed?: boolean | undefined;
  readonly pid?: number | undefined;
  /** Clock ticks from boot, decimal. */
  readonly startTime?: string | undefined;
  readonly exit?: { readonly status: number; readonly at: string } | undefined;
  /** The exit's event is in the event log. */
  readonly announced?: boolean | undefined;
  /** The programs that read its output. */
  readonly loggers?: readonly LoggerRecord[] | undefined;
  /** See {@link TaskProcess} `outOfMemory`. */
  readonly outOfMemory?: boolean | undefined;
}

export interface ExecRecord extends ProcessRecord {
  readonly execId: string;
}

/** `task.json`: what a supervisor must know to go on with the task of one that died. */
export interface TaskRecord {
  readonly format: 1;
  /** Name of the supervisor that has the task. While that one holds its lock nobody else touches it. */
  readonly owner: string;
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: readonly Mount[];
  readonly runtime: RuntimeChoice;
  /** sha256 of the bundle's config.json at create. */
  readonly specDigest: string;
  /** The container has a pid namespace of its own, so the kernel ends all its processes with the init. */
  readonly ownPids: boolean;
  readonly cgroupsPath?: string | undefined;
  /** What it goes on from; nothing is run before its start. */
  readonly restore?: RestorePoint | undefined;
  /** Of {@link MemoryWatch}; decimal. */
  readonly oom?: { readonly before: string; readonly counted: string } | undefined;
  readonly paused: boolean;
  readonly init: ProcessRecord;
  readonly execs: readonly ExecRecord[];
}

export const taskFile = (directory: string): string => join(directory, 'task.json');

/** As the directory of a task that is only just being written down; starts with what no id starts with. */
const CLAIM = '.claim:';

/**
 * The record in a task's directory; undefined if there is none, or nothing readable.
 *
 * @throws Fault `unimplemented` if it is of a format that a later version writes.
 */
export async function readTaskRecord(directory: string): Promise<TaskRecord | undefined> {
  let record: Pick<TaskRecord, 'owner'> & { readonly format: number };
  try {
    record = JSON.parse(await readFile(taskFile(directory), 'utf8'));
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' || (e as Error).name === 'SyntaxError') return undefined;
    throw e;
  }
  if (record.format === 1) return record as TaskRecord;
  throw new Fault(
    'unimplemented',
    `task record ${taskFile(directory)}: format ${record.format}; this version knows 1, so the task is left as it is`,
  );
}

/**
 * Writes the first record of a task, which makes it its owner's. Of several supervisors one alone succeeds.
 *
 * @throws Fault `already_exists` if there is a task.
 */
export async function claimTask(directory: string, record: TaskRecord): Promise<void> {
  const { owner, id, namespace } = record;
  const claim = join(dirname(directory), `${CLAIM}${owner}:${id}`);
  await mkdir(claim, { recursive: true, mode: 0o700 });
  try {
    await writeFile(taskFile(claim), JSON.stringify(record), { mode: 0o600 });
    while (!(await take(claim, directory))) {
      if (await isThere(taskFile(directory))) {
        throw new Fault('already_exists', `create task ${id}: there is one in namespace ${namespace}`);
      }
      // Whoever deleted one died before it had removed all.
      await rm(directory, { recursive: true, force: true });
    }
  } catch (e) {
    await rm(claim, { recursive: true, force: true });
    throw e;
  }
}

/**
 * Whether that is what is left in a directory of tasks where a supervisor died while it wrote a first record.
 *
 * @param owner - its name; undefined for any.
 */
export function isClaimOf(name: string, owner: string | undefined): boolean {
  return name.startsWith(owner === undefined ? CLAIM : `${CLAIM}${owner}:`);
}

/** Whether a directory of tasks holds what is left of one that was deleted: nobody's record, and nobody is about to write one. */
export async function isUnrecorded(directory: string): Promise<boolean> {
  return !basename(directory).startsWith(CLAIM) && !(await isThere(taskFile(directory)));
}

/** Gives a task, whose owner is dead, another one. */
export async function changeOwner(directory: string, record: TaskRecord, owner: string): Promise<TaskRecord> {
  const changed = { ...record, owner };
  await writeWhole(taskFile(directory), JSON.stringify(changed));
  return changed;
}

/** A directory may take the place of an empty one alone. */
async function take(claim: string, directory: string): Promise<boolean> {
  try {
    await rename(claim, directory);
    return true;
  } catch (e) {
    if (errnoOf(e) === 'ENOTEMPTY' || errnoOf(e) === 'EEXIST') return false;
    throw e;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return false;
    throw e;
  }
}

/**
 * Writes one task's record, whole or not at all (temporary file and rename). Writes that are asked for while one is
 * under way become one. Not fsynced: the state directory does not outlive the machine.
 */
export class RecordWriter {
  readonly #path: string;
  readonly #snapshot: () => TaskRecord;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(directory: string, snapshot: () => TaskRecord) {
    this.#path = taskFile(directory);
    this.#snapshot = snapshot;
  }

  /** Settles when a state no older than now is in the file. */
  save(): Promise<void> {
    this.#next ??= this.#writing.then(
      () => this.#write(),
      () => this.#write(),
    );
    return this.#next;
  }

  /** Settles when nothing is being written. */
  async idle(): Promise<void> {
    await (this.#next ?? this.#writing).catch(() => {});
  }

  #write(): Promise<void> {
    this.#writing = this.#next ?? Promise.resolve();
    this.#next = undefined;
    return writeWhole(this.#path, JSON.stringify(this.#snapshot()));
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  {
    await using file = await open(temporary, 'w', 0o600);
    await file.writeFile(text);
  }
  await rename(temporary, path);
}
