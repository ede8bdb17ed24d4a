import { Fault } from '@stowage/core';
import type { Envelope } from './events.ts';
import { sizeOf } from './size-of.ts';

export interface SubscriptionBounds {
  /** Events that may wait for one reader. */
  readonly maxEnvelopes: number;
  /** Bytes that they may hold. */
  readonly maxBytes: number;
}

/** What waits for one reader, up to a bound: who publishes never waits for who reads. */
export class Subscription {
  readonly #bounds: SubscriptionBounds;
  readonly #queue: Envelope[] = [];
  /** Index of the oldest that was not read: shifting a long array is slow. */
  #head = 0;
  #bytes = 0;
  #cutOff: Fault | undefined;
  #wake: (() => void) | undefined;

  constructor(bounds: SubscriptionBounds) {
    this.#bounds = bounds;
  }

  /** @returns whether the reader is still to be told of more. */
  offer(envelope: Envelope): boolean {
    const { maxEnvelopes, maxBytes } = this.#bounds;
    this.#queue.push(envelope);
    this.#bytes += sizeOf(envelope);
    const waiting = this.#queue.length - this.#head;
    if (waiting > maxEnvelopes || this.#bytes > maxBytes) {
      // What waited goes too: the reader has lost events and must look at the state of things anew anyway.
      this.#queue.length = 0;
      this.#cutOff = new Fault(
        'resource_exhausted',
        `subscribe: ${waiting} events waited for a slow reader; subscribe again, and look up what was missed`,
      );
    }
    this.#wake?.();
    return this.#cutOff === undefined;
  }

  /** The oldest event that was not read. @throws the signal's reason; Fault `resource_exhausted` once cut off. */
  async next(signal: AbortSignal | undefined): Promise<Envelope> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#cutOff !== undefined) throw this.#cutOff;
      const envelope = this.#take();
      if (envelope !== undefined) return envelope;
      await this.#woken(signal);
    }
  }

  #take(): Envelope | undefined {
    const envelope = this.#queue[this.#head];
    if (envelope === undefined) return undefined;
    this.#head += 1;
    this.#bytes -= sizeOf(envelope);
    if (this.#head === this.#queue.length || this.#head >= 1024) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return envelope;
  }

  async #woken(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal?.addEventListener('abort', resolve as () => void, { once: true });
    await promise;
    this.#wake = undefined;
    signal?.removeEventListener('abort', resolve as () => void);
  }
}
