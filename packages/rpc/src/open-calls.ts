/** A call as far as it can be ended. */
export interface OpenCall {
  abort(reason: NonNullable<unknown>): void;
}

/**
 * The calls that a server is busy with, so that it can end them all. (A shared signal would do the same, but adding
 * a listener to one takes as long as it has listeners, and thousands of calls may be held.)
 */
export class OpenCalls {
  readonly #open = new Set<OpenCall>();
  #reason: NonNullable<unknown> | undefined;

  /** Registers a call until it is removed. */
  add(call: OpenCall): void {
    if (this.#reason === undefined) this.#open.add(call);
    else call.abort(this.#reason);
  }

  delete(call: OpenCall): void {
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
