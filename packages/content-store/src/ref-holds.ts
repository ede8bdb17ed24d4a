import { Fault, quote } from '@stowage/core';

/** The right to write under a ref, until released. */
export interface RefHold {
  /** Fires when the hold is taken away; its reason says why. The holder then stops and releases. */
  readonly signal: AbortSignal;
  release(): void;
}

interface Entry {
  readonly end: AbortController;
  readonly released: Promise<void>;
  readonly since: Date;
}

/** Who writes under which ref: at most one at a time. */
export class RefHolds {
  readonly #entries = new Map<string, Entry>();

  /** @throws Fault `unavailable` while the ref is held. */
  take(ref: string): RefHold {
    const holder = this.#entries.get(ref);
    if (holder !== undefined) throw locked(ref, holder.since);
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const entry = { end: new AbortController(), released, since: new Date() };
    this.#entries.set(ref, entry);
    const release = () => {
      if (this.#entries.get(ref) === entry) this.#entries.delete(ref);
      resolve();
    };
    return { signal: entry.end.signal, release };
  }

  /** Takes a hold away, if there is one, and waits until it was released. */
  async evict(ref: string, reason: Fault): Promise<void> {
    const entry = this.#entries.get(ref);
    entry?.end.abort(reason);
    await entry?.released;
  }

  /** Evicts, again if another was quicker, until the ref is the caller's. */
  async seize(ref: string, reason: Fault): Promise<RefHold> {
    while (this.#entries.has(ref)) await this.evict(ref, reason);
    return this.take(ref);
  }

  async evictAll(reason: (ref: string) => Fault): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((ref) => this.evict(ref, reason(ref))));
  }
}

/** containerd's clients try again on this kind (core/content/helpers.go OpenWriter); people look for its words. */
function locked(ref: string, since: Date): Fault {
  const seconds = (Date.now() - since.getTime()) / 1000;
  return new Fault(
    'unavailable',
    `open writer: ref ${quote(ref)} locked for ${seconds}s (since ${since.toISOString()}); try again when its writer is done`,
  );
}
