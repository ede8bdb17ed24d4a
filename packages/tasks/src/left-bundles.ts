const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;

/** Bundles that could not be removed, because whoever used them had not let go: they are tried again until they can. */
export class LeftBundles implements Disposable {
  readonly #remove: (namespace: string, id: string) => Promise<unknown>;
  /** By namespace and id, which hold no slash. */
  readonly #left = new Map<string, { timer: NodeJS.Timeout; readonly nextMs: number }>();
  #isOver = false;

  /** @param remove - says by {@link later} and {@link gone} what came of it. */
  constructor(remove: (namespace: string, id: string) => Promise<unknown>) {
    this.#remove = remove;
  }

  /** One could not be removed now. */
  later(namespace: string, id: string): void {
    if (this.#isOver) return;
    const key = `${namespace}/${id}`;
    const last = this.#left.get(key);
    clearTimeout(last?.timer);
    const waitMs = last?.nextMs ?? FIRST_RETRY_MS;
    const timer = setTimeout(() => void this.#remove(namespace, id), waitMs).unref();
    this.#left.set(key, { timer, nextMs: Math.min(waitMs * 2, LAST_RETRY_MS) });
  }

  gone(namespace: string, id: string): void {
    const key = `${namespace}/${id}`;
    clearTimeout(this.#left.get(key)?.timer);
    this.#left.delete(key);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const { timer } of this.#left.values()) clearTimeout(timer);
    this.#left.clear();
  }
}
