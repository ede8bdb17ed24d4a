import { constants } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '@stowage/core';
import { close, LOCK_EX, LOCK_SH, open, tryFlock } from '@stowage/linux';
import type { CgroupLayout } from '@stowage/linux/cgroup';

/** Whoever runs containers one after the other does not have it made and removed each time. */
const LATER_MS = 2000;
/** A removal takes less. */
const RETRY_MS = 2;

/**
 * Removes the cgroups `/<namespace>` once nothing is in them: runtimes make those above a container's, and leave them.
 * A runtime that makes one just then would fail, so creations and removals exclude each other, in all supervisors of a
 * state directory.
 */
export class NamespaceCgroups implements AsyncDisposable {
  readonly #layout: CgroupLayout;
  readonly #lock: string;
  readonly #tasks = new Map<string, number>();
  readonly #later = new Map<string, NodeJS.Timeout>();

  /** @param lock - a file, made if it is not there. */
  constructor(layout: CgroupLayout, lock: string) {
    this.#layout = layout;
    this.#lock = lock;
  }

  /** To be held while a runtime makes cgroups. */
  async making(): Promise<Disposable> {
    for (;;) {
      const held = this.#hold(LOCK_SH);
      if (held !== undefined) return held;
      await delay(RETRY_MS);
    }
  }

  /** There is one task more in a namespace. */
  add(namespace: string): void {
    clearTimeout(this.#later.get(namespace));
    this.#later.delete(namespace);
    this.#tasks.set(namespace, (this.#tasks.get(namespace) ?? 0) + 1);
  }

  /** A task is gone. With the last one goes the cgroup, soon. */
  remove(namespace: string): void {
    const left = (this.#tasks.get(namespace) ?? 1) - 1;
    if (left > 0) {
      this.#tasks.set(namespace, left);
      return;
    }
    this.#tasks.delete(namespace);
    this.#removeLater(namespace);
  }

  #removeLater(namespace: string): void {
    const timer = setTimeout(() => void this.#removeNow(namespace), LATER_MS);
    this.#later.set(namespace, timer.unref());
  }

  async #removeNow(namespace: string): Promise<void> {
    this.#later.delete(namespace);
    using alone = this.#hold(LOCK_EX);
    if (alone === undefined) {
      this.#removeLater(namespace);
      return;
    }
    const { v1, v2 } = this.#layout;
    const roots = new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])].map((one) => one.mountPoint));
    await Promise.all([...roots].map((root) => removeIfEmpty(join(root, namespace))));
  }

  #hold(how: typeof LOCK_SH | typeof LOCK_EX): Disposable | undefined {
    const fd = open(this.#lock, constants.O_RDWR | constants.O_CREAT, 0o600);
    if (tryFlock(fd, how)) return { [Symbol.dispose]: () => close(fd) };
    close(fd);
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const waiting = [...this.#later.keys()];
    for (const timer of this.#later.values()) clearTimeout(timer);
    await Promise.all(waiting.map((namespace) => this.#removeNow(namespace)));
    for (const timer of this.#later.values()) clearTimeout(timer);
  }
}

/** A cgroup with others below it, or processes in it, is somebody's; what else stands in the way is no harm. */
async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (e) {
    if (errnoOf(e) === undefined) throw e;
  }
}
