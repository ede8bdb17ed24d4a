import type { Database } from '../database/database.ts';
import type { Witness } from '../ledger/ledger.ts';
import { decode } from './graph.ts';
import { refsOf } from './refs.ts';

/**
 * What is live in one collection: what the graph reached, and what writers have made reachable since it was read.
 * Each mutation tells what it puts and names just before it is written, so none slips between.
 */
export class Cycle implements Witness {
  readonly #db: Database;
  readonly #live = new Set<string>();
  readonly #touched: string[] = [];
  #following: Promise<void> | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  touch(keys: ReadonlySet<string>): void {
    for (const key of keys) this.#touched.push(key);
  }

  /** Adds what was reached, whose references are in it too. */
  mark(reached: ReadonlySet<string>): void {
    for (const key of reached) this.#live.add(key);
  }

  /** Whether an object is to stay. Ask with the object's lock held. */
  async isLive(key: string): Promise<boolean> {
    // All that was touched before this call has to be followed to its end, also by a call before this one.
    while (this.#touched.length > 0 || this.#following !== undefined) {
      this.#following ??= this.#follow().finally(() => {
        this.#following = undefined;
      });
      await this.#following;
    }
    return this.#live.has(key);
  }

  async #follow(): Promise<void> {
    for (let next = this.#touched.pop(); next !== undefined; next = this.#touched.pop()) {
      if (this.#live.has(next)) continue;
      this.#live.add(next);
      const sealed = await this.#db.get(next);
      const message = sealed && decode(next, sealed.payload);
      if (message !== undefined) this.#touched.push(...refsOf(next, message));
    }
  }
}
