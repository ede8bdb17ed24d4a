import { randomFillSync } from 'node:crypto';

/** Random bytes are made so many at a time: asking for a few costs as much. */
const POOL_BYTES = 8192;

/** Makes ids that nobody else makes, as lower-case hex digits. */
export class RandomIds {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;

  /** Never all 0, which would be none. @param bytes - a few. */
  next(bytes: number): string {
    for (;;) {
      if (this.#used + bytes > POOL_BYTES) {
        randomFillSync(this.#pool);
        this.#used = 0;
      }
      const id = this.#pool.toString('hex', this.#used, this.#used + bytes);
      this.#used += bytes;
      if (!/^0+$/.test(id)) return id;
    }
  }
}
