/**
 * Holds what is to be disposed together, the last first. As the `AsyncDisposableStack` of newer engines, which Node 22 has
 * not got.
 */
export class DisposalStack implements AsyncDisposable {
  #held: Array<() => unknown> = [];

  /** @returns the value, which is disposed with the stack. */
  use<T extends AsyncDisposable | Disposable>(value: T): T {
    this.#held.push(() =>
      Symbol.asyncDispose in value ? value[Symbol.asyncDispose]() : value[Symbol.dispose](),
    );
    return value;
  }

  /** Has something be done when it is disposed. */
  defer(action: () => unknown): void {
    this.#held.push(action);
  }

  /** @returns a stack that has all that this one had; disposing this one does nothing then. */
  move(): DisposalStack {
    const other = new DisposalStack();
    other.#held = this.#held;
    this.#held = [];
    return other;
  }

  /**
   * Disposes all, one after the other, also where one fails. Safe to call again.
   *
   * @throws what failed; AggregateError if that is several.
   */
  async disposeAsync(): Promise<void> {
    const errors: unknown[] = [];
    for (let next = this.#held.pop(); next !== undefined; next = this.#held.pop()) {
      try {
        await next();
      } catch (e) {
        errors.push(e);
      }
    }
    if (errors.length > 1) throw new AggregateError(errors, 'several of what was held could not be disposed');
    if (errors.length === 1) throw errors[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync();
  }
}
