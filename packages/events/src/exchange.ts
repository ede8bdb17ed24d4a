import {
  type CallOptions,
  compileFilters,
  type Filter,
  type TypedBytes,
  validateIdentifier,
} from '@stowage/core';
import { envelopeFields } from './event-fields.ts';
import type { Envelope, Events } from './events.ts';
import { Subscription, type SubscriptionBounds } from './subscription.ts';
import { validateEnvelope, validateTopic } from './topic.ts';

/** Tells subscribers in this process what happened. An event is with all of them before `publish` settles. */
export class Exchange implements Events {
  readonly #subscribers = new Map<Subscription, Filter | undefined>();
  readonly #bounds: SubscriptionBounds;

  constructor({ maxEnvelopes = 10_000, maxBytes = 16 * 1024 * 1024 }: Partial<SubscriptionBounds> = {}) {
    this.#bounds = { maxEnvelopes, maxBytes };
  }

  async publish(
    namespace: string,
    topic: string,
    event: TypedBytes,
    { signal }: CallOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    validateIdentifier(namespace, 'namespace of the event');
    validateTopic(topic);
    this.#tell({ timestamp: new Date(), namespace, topic, event });
  }

  async forward(envelope: Envelope, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    validateEnvelope(envelope);
    this.#tell(envelope);
  }

  async *subscribe(filters: readonly string[] = [], { signal }: CallOptions = {}): AsyncGenerator<Envelope> {
    signal?.throwIfAborted();
    const matches = filters.length === 0 ? undefined : compileFilters(filters);
    const subscription = new Subscription(this.#bounds);
    this.#subscribers.set(subscription, matches);
    try {
      for (;;) yield await subscription.next(signal);
    } finally {
      this.#subscribers.delete(subscription);
    }
  }

  /** In one turn of the event loop, so that all subscribers see all events in the same order. */
  #tell(envelope: Envelope): void {
    const fields = envelopeFields(envelope);
    for (const [subscription, matches] of this.#subscribers) {
      if (matches !== undefined && !matches(fields)) continue;
      if (!subscription.offer(envelope)) this.#subscribers.delete(subscription);
    }
  }
}
