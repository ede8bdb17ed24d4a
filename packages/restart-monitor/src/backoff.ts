const FIRST_MS = 100;
const LONGEST_MS = 60_000;
/** Whatever ran for so long did not end at once, and is started again as soon as the first time. */
const SETTLED_MS = 10_000;

/** How long to wait before things are done again that may fail at once: twice as long each time, up to a minute. */
export class Backoff {
  readonly #of = new Map<string, { nextMs: number; sinceMs: number }>();

  /** How long to wait for it now. */
  wait(key: string, nowMs: number): number {
    const last = this.#of.get(key);
    return last === undefined || nowMs - last.sinceMs >= SETTLED_MS ? FIRST_MS : last.nextMs;
  }

  /** It was done, after so long a wait. */
  did(key: string, waitedMs: number, nowMs: number): void {
    this.#of.set(key, { nextMs: Math.min(waitedMs * 2, LONGEST_MS), sinceMs: nowMs });
  }

  /** Nobody asks for it any more. */
  forget(key: string): void {
    this.#of.delete(key);
  }
}
