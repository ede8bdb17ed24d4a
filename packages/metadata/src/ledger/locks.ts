import { abortable, KeyedLock } from '@stowage/core';

export interface LockSet {
  /** Keys of what is changed or removed. */
  readonly exclusive?: readonly string[] | undefined;
  /** Keys of what must stay as it is: a lease, a parent, a namespace. */
  readonly shared?: readonly string[] | undefined;
}

/**
 * Locks by key, for many who only need a thing to stay or for one who changes it. All of a set are taken in the order
 * of keys, so that no two wait for each other.
 */
export class Locks {
  readonly #gate = new KeyedLock();
  readonly #sharers = new Map<string, { count: number; idle: PromiseWithResolvers<void> | undefined }>();

  /** @throws the signal's reason if aborted while waiting; nothing is held then. */
  async acquire({ exclusive = [], shared = [] }: LockSet, signal?: AbortSignal): Promise<Disposable> {
    const changed = new Set(exclusive);
    const held: Disposable[] = [];
    try {
      for (const key of [...new Set([...exclusive, ...shared])].sort())
        held.push(changed.has(key) ? await this.#exclusive(key, signal) : await this.#shared(key, signal));
    } catch (e) {
      release(held);
      throw e;
    }
    return { [Symbol.dispose]: () => release(held) };
  }

  /** Takes a key for itself only if nobody holds or awaits it. */
  tryExclusive(key: string): Disposable | undefined {
    const gate = this.#gate.tryAcquire(key);
    if (gate === undefined || !this.#sharers.has(key)) return gate;
    gate[Symbol.dispose]();
    return undefined;
  }

  /** Takes a set only if nothing in it has to be waited for. */
  tryAcquire({ exclusive = [], shared = [] }: LockSet): Disposable | undefined {
    const changed = new Set(exclusive);
    const held: Disposable[] = [];
    for (const key of new Set([...exclusive, ...shared])) {
      const lock = changed.has(key) ? this.tryExclusive(key) : this.#tryShared(key);
      if (lock === undefined) {
        release(held);
        return undefined;
      }
      held.push(lock);
    }
    return { [Symbol.dispose]: () => release(held) };
  }

  /** Holding the gate keeps further sharers out while the present ones finish. */
  async #exclusive(key: string, signal: AbortSignal | undefined): Promise<Disposable> {
    const gate = await this.#gate.acquire([key], signal);
    const sharers = this.#sharers.get(key);
    if (sharers === undefined) return gate;
    sharers.idle ??= Promise.withResolvers<void>();
    try {
      await abortable(sharers.idle.promise, signal);
      return gate;
    } catch (e) {
      gate[Symbol.dispose]();
      throw e;
    }
  }

  async #shared(key: string, signal: AbortSignal | undefined): Promise<Disposable> {
    using _gate = await this.#gate.acquire([key], signal);
    return this.#join(key);
  }

  #tryShared(key: string): Disposable | undefined {
    using gate = this.#gate.tryAcquire(key);
    return gate && this.#join(key);
  }

  /** Becomes one of those who share a key, whose gate must be held meanwhile. */
  #join(key: string): Disposable {
    const sharers = this.#sharers.get(key) ?? { count: 0, idle: undefined };
    sharers.count += 1;
    this.#sharers.set(key, sharers);
    let released = false;
    const free = () => {
      if (released) return;
      released = true;
      sharers.count -= 1;
      if (sharers.count > 0) return;
      this.#sharers.delete(key);
      sharers.idle?.resolve();
    };
    return { [Symbol.dispose]: free };
  }
}

/** Locks that are let go together. */
export class HeldLocks implements Disposable {
  readonly #locks: Disposable[] = [];

  add(lock: Disposable): void {
    this.#locks.push(lock);
  }

  [Symbol.dispose](): void {
    release(this.#locks);
  }
}

function release(held: Disposable[]): void {
  for (const one of held.splice(0)) one[Symbol.dispose]();
}
