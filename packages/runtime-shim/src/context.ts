import { KeyedLock, type Logger } from '@stowage/core';
import type { Mounter } from '@stowage/linux/mounter';
import type { TaskRef } from '@stowage/runtime';
import type { ShimConnections } from './connections.ts';
import type { LookupOptions } from './lookup.ts';
import type { TaskRecords } from './records.ts';
import type { EventRelay } from './relay.ts';
import type { Addresses } from './shim-command.ts';
import type { ShimStarter } from './start-shim.ts';
import { type ShimTask, taskKey } from './task.ts';

/** What the steps of a task's life share. */
export interface ShimContext {
  readonly at: Addresses;
  readonly lookup: LookupOptions;
  readonly log: Logger;
  readonly tasks: TaskTable;
  readonly records: TaskRecords;
  readonly connections: ShimConnections;
  readonly mounter: Mounter;
  readonly relay: EventRelay;
  readonly starter: ShimStarter;
}

/** All tasks, those that are being made or removed too. */
export class TaskTable {
  readonly #tasks = new Map<string, ShimTask>();
  readonly #locks = new KeyedLock();

  get(task: TaskRef): ShimTask | undefined {
    return this.#tasks.get(taskKey(task));
  }

  add(task: ShimTask): void {
    this.#tasks.set(taskKey(task), task);
  }

  remove(task: ShimTask): void {
    if (this.get(task) === task) this.#tasks.delete(taskKey(task));
  }

  values(): IterableIterator<ShimTask> {
    return this.#tasks.values();
  }

  /** Held by whoever makes or removes the task. */
  lock(task: TaskRef, signal?: AbortSignal): Promise<Disposable> {
    return this.#locks.acquire([taskKey(task)], signal);
  }
}
