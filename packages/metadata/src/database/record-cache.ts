import type { Sealed } from './frame.ts';

const MOST_BYTES = 8 * 1024 * 1024;
/** Larger ones are rare, and would push many small ones out. */
const MOST_BYTES_OF_ONE = 16 * 1024;

/**
 * The records that were read last, so that what nearly every call reads (a namespace, a lease, an image) costs no trip
 * to another thread. Only what is there is kept, and nothing while it is written: whoever reads meanwhile asks the
 * database.
 */
export class RecordCache {
  /** The one read longest ago is the first. */
  readonly #records = new Map<string, Sealed>();
  /** Reads under way whose answer may be kept. */
  readonly #reading = new Map<string, object>();
  readonly #writing = new Set<string>();
  #bytes = 0;

  has(key: string): boolean {
    return this.#records.has(key);
  }

  /** A copy: what its reader does to the bytes is nobody else's business. */
  get(key: string): Sealed | undefined {
    const record = this.#records.get(key);
    if (record === undefined) return undefined;
    this.#records.delete(key);
    this.#records.set(key, record);
    return { payload: Uint8Array.from(record.payload), backend: record.backend };
  }

  /** Reads from the database, and keeps the answer unless the record was written meanwhile. */
  async fill(key: string, read: () => Promise<Sealed | undefined>): Promise<Sealed | undefined> {
    if (this.#writing.has(key)) return read();
    const mine = {};
    this.#reading.set(key, mine);
    try {
      const record = await read();
      if (record !== undefined && this.#reading.get(key) === mine) this.#keep(key, record);
      return record;
    } finally {
      if (this.#reading.get(key) === mine) this.#reading.delete(key);
    }
  }

  /** Forgets records until the result is disposed, when they are written. One batch at a time. */
  writing(keys: Iterable<string>): Disposable {
    for (const key of keys) {
      this.#forget(key);
      this.#reading.delete(key);
      this.#writing.add(key);
    }
    return { [Symbol.dispose]: () => this.#writing.clear() };
  }

  #keep(key: string, { payload, backend }: Sealed): void {
    const bytes = sizeOf(key, payload, backend);
    if (bytes > MOST_BYTES_OF_ONE) return;
    this.#forget(key);
    // Not a view of a buffer that may be much larger.
    this.#records.set(key, { payload: Uint8Array.from(payload), backend });
    this.#bytes += bytes;
    for (const oldest of this.#records.keys()) {
      if (this.#bytes <= MOST_BYTES) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const record = this.#records.get(key);
    if (record === undefined) return;
    this.#records.delete(key);
    this.#bytes -= sizeOf(key, record.payload, record.backend);
  }
}

/** Some of it is what a Map and its strings need. */
function sizeOf(key: string, payload: Uint8Array, backend: string): number {
  return 200 + 2 * (key.length + backend.length) + payload.length;
}
