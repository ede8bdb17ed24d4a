import { randomUUID } from 'node:crypto';
import { Bell, type Position } from '@stowage/core';
import type { Envelope } from './events.ts';
import { sizeOf } from './size-of.ts';

export interface HistoryBounds {
  /** Events that are kept. */
  readonly maxHistoryEvents: number;
  /** Bytes that these may hold. */
  readonly maxHistoryBytes: number;
}

/** The last events, numbered from 1. The first of them has number `first`. */
export class History {
  readonly epoch = randomUUID();
  /** Rings at each event. */
  readonly added = new Bell();
  readonly #bounds: HistoryBounds;
  readonly #kept: Envelope[] = [];
  /** Index of the oldest that is kept: shifting a long array is slow. */
  #head = 0;
  #bytes = 0;
  #last = 0n;

  constructor(bounds: HistoryBounds) {
    this.#bounds = bounds;
  }

  /** Number of the last event. */
  get last(): bigint {
    return this.#last;
  }

  /** Number of the oldest event that is kept, or of the next one. */
  get first(): bigint {
    return this.#last - BigInt(this.#kept.length - this.#head) + 1n;
  }

  add(envelope: Envelope): void {
    const { maxHistoryEvents, maxHistoryBytes } = this.#bounds;
    this.#kept.push(envelope);
    this.#last += 1n;
    this.#bytes += sizeOf(envelope);
    while (this.#kept.length - this.#head > maxHistoryEvents || this.#bytes > maxHistoryBytes) {
      const oldest = this.#kept[this.#head];
      if (oldest === undefined) break;
      this.#bytes -= sizeOf(oldest);
      this.#head += 1;
    }
    if (this.#head === this.#kept.length || this.#head >= 1024) {
      this.#kept.splice(0, this.#head);
      this.#head = 0;
    }
    this.added.ring();
  }

  /** @returns none if it is not kept. */
  get(number: bigint): Envelope | undefined {
    const first = this.first;
    return number < first ? undefined : this.#kept[this.#head + Number(number - first)];
  }

  /** Whether a position is of this run, or says that it is. */
  isOurs({ epoch, sequence }: Position): boolean {
    return (epoch === '' || epoch === this.epoch) && sequence <= this.#last;
  }
}
