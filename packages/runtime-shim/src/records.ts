import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, KeyedLock, type Logger, unlessAbsent } from '@stowage/core';
import type { TaskRef } from '@stowage/runtime';

/** What a later process must know of a task: `<state>/tasks/<namespace>/<id>.json`. */
export interface TaskRecord {
  readonly bundle: string;
  readonly binary: string;
  /** Whether the shim has made it. */
  readonly made: boolean;
  /** Of the init; 0 for one in a virtual machine. */
  readonly pid: number;
  /** Pids of the execs by their ids; null of one that was not started. */
  readonly execs: Readonly<Record<string, number | null>>;
  /** Processes whose exit was told to everybody, the init by an empty id. */
  readonly told: readonly string[];
}

/**
 * The records on disk. They need not outlive the machine: a process that dies leaves the last one whole, and that is
 * all they are for.
 */
export class TaskRecords {
  readonly #directory: string;
  /** Writes to the same record, one after another. */
  readonly #locks = new KeyedLock();

  constructor(directory: string) {
    this.#directory = directory;
  }

  put(task: TaskRef, record: TaskRecord): Promise<void> {
    return this.#inTurn(task, async (path) => {
      await mkdir(join(this.#directory, task.namespace), { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      await rename(`${path}.new`, path);
    });
  }

  remove(task: TaskRef): Promise<void> {
    return this.#inTurn(task, (path) => rm(path, { force: true }));
  }

  /** All there are. One that can't be read is left where it is, and named in the log. */
  async all(log: Logger): Promise<Array<TaskRef & { readonly record: TaskRecord }>> {
    const found: Array<TaskRef & { readonly record: TaskRecord }> = [];
    for (const namespace of await namesIn(this.#directory)) {
      for (const name of await namesIn(join(this.#directory, namespace))) {
        if (!name.endsWith('.json')) continue;
        const path = join(this.#directory, namespace, name);
        try {
          found.push({
            namespace,
            id: name.slice(0, -'.json'.length),
            record: parse(await readFile(path, 'utf8')),
          });
        } catch (err) {
          log.error({ err, path }, 'the record of a task can not be read; its shim is left alone');
        }
      }
    }
    return found;
  }

  async #inTurn({ namespace, id }: TaskRef, write: (path: string) => Promise<void>): Promise<void> {
    const path = join(this.#directory, namespace, `${id}.json`);
    using _ = await this.#locks.acquire([path]);
    await write(path);
  }
}

function parse(text: string): TaskRecord {
  const { bundle, binary, made, pid, execs, told } = JSON.parse(text) as TaskRecord;
  if (typeof bundle !== 'string' || typeof binary !== 'string' || typeof pid !== 'number') {
    throw new Fault('data_loss', 'it is no record of a task');
  }
  return { bundle, binary, made: made === true, pid, execs: execs ?? {}, told: told ?? [] };
}

async function namesIn(directory: string): Promise<string[]> {
  return (await unlessAbsent(readdir(directory))) ?? [];
}
