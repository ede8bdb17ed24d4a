import type { CallOptions, Fault } from '@stowage/core';
import type { Exit } from '@stowage/runtime';

interface Waiter {
  resolve(exit: Exit): void;
  reject(reason: unknown): void;
}

/**
 * How the processes of one task ended, and who waits to be told. However many wait, the shim is not asked for it.
 * The init has an empty exec id.
 */
export class Exits {
  readonly #known = new Map<string, Exit>();
  readonly #waiters = new Map<string, Set<Waiter>>();

  get(execId: string): Exit | undefined {
    return this.#known.get(execId);
  }

  entries(): IterableIterator<[string, Exit]> {
    return this.#known.entries();
  }

  /** The first that is told of a process stays. @returns whether it is the first. */
  tell(execId: string, exit: Exit): boolean {
    if (this.#known.has(execId)) return false;
    this.#known.set(execId, exit);
    for (const { resolve } of this.#waiters.get(execId) ?? []) resolve(exit);
    return true;
  }

  /** The process is no more. Whoever still waits for its end is refused. */
  forget(execId: string, reason: Fault): void {
    this.#known.delete(execId);
    this.refuse(execId, reason);
  }

  refuse(execId: string, reason: Fault): void {
    for (const { reject } of this.#waiters.get(execId) ?? []) reject(reason);
  }

  /** Nothing more will be told of any. */
  close(reason: Fault): void {
    for (const execId of [...this.#waiters.keys()]) this.refuse(execId, reason);
  }

  /** @throws the signal's reason, and what {@link forget} and {@link close} were given. */
  async wait(execId: string, { signal }: CallOptions = {}): Promise<Exit> {
    signal?.throwIfAborted();
    const known = this.#known.get(execId);
    if (known !== undefined) return known;
    const { promise, resolve, reject } = Promise.withResolvers<Exit>();
    const waiter: Waiter = { resolve, reject };
    const waiters = this.#waiters.get(execId) ?? new Set();
    this.#waiters.set(execId, waiters.add(waiter));
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(execId) === waiters) this.#waiters.delete(execId);
    }
  }
}
