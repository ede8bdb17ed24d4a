import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, type Mount } from '@stowage/core';
import type { Stdio } from '@stowage/runtime';
import type { LoggerRecord } from './logging-binary.ts';
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
}

export interface ExecRecord extends ProcessRecord {
  readonly execId: string;
}

/** `task.json`: what a supervisor must know to go on with the task of one that died. */
export interface TaskRecord {
  readonly format: 1;
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
  readonly paused: boolean;
  readonly init: ProcessRecord;
  readonly execs: readonly ExecRecord[];
}

export const taskFile = (directory: string): string => join(directory, 'task.json');

/** The record in a task's directory; undefined if there is none, or nothing readable. */
export async function readTaskRecord(directory: string): Promise<TaskRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(taskFile(directory), 'utf8')) as TaskRecord;
    return record.format === 1 ? record : undefined;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' || (e as Error).name === 'SyntaxError') return undefined;
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
