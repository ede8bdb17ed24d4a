/**
 * The calls that a server is busy with, so that it can end them all. (A shared signal would do the same, but adding
 * a listener to one takes as long as it has listeners, and thousands of calls may be held.)
 */
export class OpenCalls {
  readonly #open = new Set<AbortController>();
  #reason: unknown;

  /** Registers a call until it is removed. */
  add(call: AbortController): void {
    if (this.#reason === undefined) this.#open.add(call);
    else call.abort(this.#reason);
  }

  delete(call: AbortController): void {
    this.#open.delete(call);
  }

  get size(): number {
    return this.#open.size;
  }

  /** Aborts those that are open, and any that comes later. */
  abort(reason: NonNullable<unknown>): void {
    this.#reason = reason;
    for (const call of this.#open) call.abort(reason);
    this.#open.clear();
  }
}
