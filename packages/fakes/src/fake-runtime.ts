import { Fault } from '@stowage/core';
import type { Events } from '@stowage/events';
import type { Runtime, TaskRef, TaskService } from '@stowage/runtime';
import { type FakePrograms, standardPrograms } from './fake-program.ts';
import { FakeTasks } from './fake-tasks.ts';

export interface FakeRuntimeOptions {
  /** What containers may run, besides {@link standardPrograms}. */
  readonly programs?: FakePrograms | undefined;
  /** Told what happens. */
  readonly events: Pick<Events, 'forward'>;
}

/** Higher than any that a machine gives. */
const FIRST_PID = 5_000_000;

/**
 * A runtime whose containers are functions of this process: no root, no mounts, no namespaces, no processes. Their streams
 * are real: FIFOs, or files of a URL `file:`, and a terminal as much as programs see of one.
 *
 * It passes `@stowage/runtime-conformance`, but for what takes processes and mounts. All of it is gone with its process.
 */
export class FakeRuntime implements Runtime, AsyncDisposable {
  readonly #options: FakeRuntimeOptions;
  readonly #tasks = new Map<string, FakeTasks>();
  #lastPid = FIRST_PID;

  constructor(options: FakeRuntimeOptions) {
    this.#options = options;
  }

  /** Every name. */
  serves(): boolean {
    return true;
  }

  tasks(namespace: string): TaskService {
    let tasks = this.#tasks.get(namespace);
    if (tasks === undefined) {
      const { programs, events } = this.#options;
      const nextPid = () => ++this.#lastPid;
      tasks = new FakeTasks(namespace, { programs: { ...standardPrograms, ...programs }, events, nextPid });
      this.#tasks.set(namespace, tasks);
    }
    return tasks;
  }

  async *list(): AsyncGenerator<TaskRef> {
    for (const [namespace, tasks] of this.#tasks) for (const id of tasks.ids) yield { namespace, id };
  }

  info(): Promise<never> {
    return Promise.reject(new Fault('unimplemented', 'runtime info: a fake has none'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tasks of this.#tasks.values()) tasks.end();
  }
}
