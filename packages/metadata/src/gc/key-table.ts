import { randomInt } from 'node:crypto';
import { Numbers, uint32 } from './numbers.ts';

const FIRST_CHUNK_BYTES = 16 << 10;
const LARGEST_CHUNK_BYTES = 1 << 20;

/**
 * Gives keys numbers, from 0 on. Keys are kept as bytes outside of the heap, and told apart by 64 bits of a hash: two
 * with the same are taken for one, which then stays if either does. Nothing else can come of it.
 */
export class KeyTable {
  readonly #seed = randomInt(2 ** 32);
  readonly #high = new Numbers(uint32);
  readonly #low = new Numbers(uint32);
  /** Where a key begins, and in which chunk. */
  readonly #start = new Numbers(uint32);
  readonly #chunk = new Numbers(uint32);
  readonly #bytes = new Numbers(uint32);
  readonly #chunks: Buffer[] = [];
  /** Size of the last chunk, and how much of it is used. */
  #chunkBytes = 0;
  #used = 0;
  /** A number and one more, at the place that the hash says or the next that was free. */
  #slots: Uint32Array;
  #size = 0;
  /** Of the key that was hashed last. */
  #hashHigh = 0;
  #hashLow = 0;

  /** @param expected - How many keys there will be; more are more work. */
  constructor(expected = 1024) {
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * Math.max(expected, 16))));
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a key, or -1. */
  find(key: string): number {
    this.#hash(key);
    return (this.#slots[this.#slotOf(this.#hashHigh, this.#hashLow)] ?? 0) - 1;
  }

  /** The number of a key, which it is given if it has none. */
  add(key: string): number {
    this.#hash(key);
    const slot = this.#slotOf(this.#hashHigh, this.#hashLow);
    const found = this.#slots[slot] ?? 0;
    if (found > 0) return found - 1;
    const number = this.#size;
    this.#size += 1;
    this.#slots[slot] = this.#size;
    this.#high.set(number, this.#hashHigh);
    this.#low.set(number, this.#hashLow);
    this.#keep(number, key);
    if (this.#size * 2 > this.#slots.length) this.#grow();
    return number;
  }

  keyOf(number: number): string {
    const start = this.#start.at(number);
    const chunk = this.#chunks[this.#chunk.at(number)];
    return chunk?.toString('utf8', start, start + this.#bytes.at(number)) ?? '';
  }

  #keep(number: number, key: string): void {
    const most = key.length * 3;
    if (this.#used + most > this.#chunkBytes) this.#addChunk(most);
    const chunk = this.#chunks.length - 1;
    const written = this.#chunks[chunk]?.write(key, this.#used) ?? 0;
    this.#start.set(number, this.#used);
    this.#chunk.set(number, chunk);
    this.#bytes.set(number, written);
    this.#used += written;
  }

  /** Twice as large as the one before it: where there are few keys, a collection takes little. */
  #addChunk(least: number): void {
    const bytes = Math.min(Math.max(this.#chunkBytes * 2, FIRST_CHUNK_BYTES), LARGEST_CHUNK_BYTES);
    this.#chunkBytes = Math.max(bytes, least);
    this.#chunks.push(Buffer.allocUnsafeSlow(this.#chunkBytes));
    this.#used = 0;
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0 || (this.#low.at(number) === low && this.#high.at(number) === high)) return slot;
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#size; number += 1)
      this.#slots[this.#slotOf(this.#high.at(number), this.#low.at(number))] = number + 1;
  }

  /** @see https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js */
  #hash(key: string): void {
    let high = 0xdeadbeef ^ this.#seed;
    let low = 0x41c6ce57 ^ this.#seed;
    for (let at = 0; at < key.length; at += 1) {
      const unit = key.charCodeAt(at);
      high = Math.imul(high ^ unit, 2654435761);
      low = Math.imul(low ^ unit, 1597334677);
    }
    high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
    low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
    this.#hashHigh = high >>> 0;
    this.#hashLow = low >>> 0;
  }
}
