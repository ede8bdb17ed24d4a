import { KeyedLock } from '@stowage/core';
import type { TaskRef } from '@stowage/runtime';
import { taskKey } from './task.ts';

/** All of a kind, those that are being made or removed too, by namespace and id. */
export class Table<T extends TaskRef> {
  readonly #all = new Map<string, T>();
  readonly #locks = new KeyedLock();

  get(ref: TaskRef): T | undefined {
    return this.#all.get(taskKey(ref));
  }

  add(one: T): void {
    this.#all.set(taskKey(one), one);
  }

  remove(one: T): void {
    if (this.get(one) === one) this.#all.delete(taskKey(one));
  }

  values(): IterableIterator<T> {
    return this.#all.values();
  }

  /** Held by whoever makes or removes it. */
  lock(ref: TaskRef, signal?: AbortSignal): Promise<Disposable> {
    return this.#locks.acquire([taskKey(ref)], signal);
  }
}
