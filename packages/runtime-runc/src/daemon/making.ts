import type { Line } from './line.ts';
import type { ProcessTable } from './process-table.ts';

/** How long it is remembered who was making a container, when that failed or the caller gave it up. */
const GIVEN_UP_MS = 60_000;

/**
 * Who is making which containers. Until it is made a container is in no table, and one that the caller gave up may still
 * be in the making, or be being undone; whoever deletes it waits for that.
 */
export class Making implements Disposable {
  readonly #table: Pick<ProcessTable, 'ownerOf'>;
  /** By namespace and id. */
  readonly #lines = new Map<string, Line>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(table: Pick<ProcessTable, 'ownerOf'>) {
    this.#table = table;
  }

  lineOf(namespace: string, id: string): Line | undefined {
    const line = this.#lines.get(`${namespace}/${id}`);
    return line?.isOver ? undefined : line;
  }

  /** Disposed when the call is over. */
  begin(line: Line, namespace: string, id: string): Disposable {
    const key = `${namespace}/${id}`;
    const forget = () => {
      if (this.#lines.get(key) === line) this.#lines.delete(key);
    };
    this.#lines.set(key, line);
    return {
      [Symbol.dispose]: () => {
        if (this.#table.ownerOf(namespace, id) !== undefined) return forget();
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          forget();
        }, GIVEN_UP_MS).unref();
        this.#timers.add(timer);
      },
    };
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
