const CHECKS = 4;

/** Calls back once, when something was idle at every look for as long as it takes. */
export class IdleWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #idleSince: number | undefined;

  constructor(options: { readonly idleMs: number; isIdle(): boolean; onIdle(): void }) {
    const { idleMs, isIdle, onIdle } = options;
    const look = () => {
      if (!isIdle()) {
        this.#idleSince = undefined;
        return;
      }
      this.#idleSince ??= performance.now();
      if (performance.now() - this.#idleSince < idleMs) return;
      this[Symbol.dispose]();
      onIdle();
    };
    this.#timer = setInterval(look, idleMs / CHECKS).unref();
  }

  /** It was in use just now, whatever it looks like. */
  used(): void {
    this.#idleSince = undefined;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
