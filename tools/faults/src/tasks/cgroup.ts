import { access, mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@stowage/core';
import { until } from '@stowage/testing';

const ROOT = '/sys/fs/cgroup';

/** A control group of version 1, of one controller, with one limit. Processes in it go back to the root at the end. */
export class Cgroup implements AsyncDisposable {
  readonly #controller: string;
  readonly #path: string;
  readonly #members: number[] = [];

  private constructor(controller: string, name: string) {
    this.#controller = controller;
    this.#path = join(ROOT, controller, name);
  }

  static async make(
    controller: 'memory' | 'pids',
    name: string,
    limits: Readonly<Record<string, number>>,
  ): Promise<Cgroup> {
    const group = new Cgroup(controller, name);
    await mkdir(group.#path);
    for (const [file, limit] of Object.entries(limits)) await group.set(file, limit);
    return group;
  }

  async set(file: string, limit: number): Promise<void> {
    await writeFile(join(this.#path, file), String(limit));
  }

  /** Takes in a process with all its threads; what it starts from now on is in it as well. */
  async add(pid: number): Promise<void> {
    this.#members.push(pid);
    await writeFile(join(this.#path, 'cgroup.procs'), String(pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.#members)
      await writeFile(join(ROOT, this.#controller, 'cgroup.procs'), String(pid)).catch((e: unknown) => {
        if (errnoOf(e) !== 'ESRCH') throw e;
      });
    await until(`${this.#path} to be empty`, () =>
      rmdir(this.#path).then(
        () => true,
        (e: unknown) => {
          if (errnoOf(e) === 'EBUSY') return false;
          throw e;
        },
      ),
    );
  }
}

/** Why there can be none on this machine; undefined if there can. */
export async function cgroupsMissing(): Promise<string | undefined> {
  try {
    for (const controller of ['memory', 'pids']) await access(join(ROOT, controller, 'cgroup.procs'));
    return undefined;
  } catch {
    return 'no control groups of version 1 for memory and pids';
  }
}
