import {
  type CallOptions,
  compileFilters,
  type Filter,
  type TypedBytes,
  validateIdentifier,
} from '@stowage/core';
import { envelopeFields } from './event-fields.ts';
import type { EventHistory, EventNotice, FollowOptions } from './event-history.ts';
import type { Envelope, Events } from './events.ts';
import { follow } from './follow.ts';
import { History, type HistoryBounds } from './history.ts';
import { Subscription, type SubscriptionBounds } from './subscription.ts';
import { validateEnvelope, validateTopic } from './topic.ts';

export type ExchangeOptions = Partial<SubscriptionBounds & HistoryBounds>;

const MIB = 1024 * 1024;

/**
 * Tells subscribers in this process what happened. An event is with all of them before `publish` settles; the last 10,000
 * events, or 8 MiB of them, are kept for those who {@link Exchange.follow} them.
 */
export class Exchange implements Events, EventHistory {
  readonly #subscribers = new Map<Subscription, Filter | undefined>();
  readonly #bounds: SubscriptionBounds;
  readonly #history: History;

  constructor(options: ExchangeOptions = {}) {
    const { maxEnvelopes = 10_000, maxBytes = 16 * MIB } = options;
    const { maxHistoryEvents = 10_000, maxHistoryBytes = 8 * MIB } = options;
    this.#bounds = { maxEnvelopes, maxBytes };
    this.#history = new History({ maxHistoryEvents, maxHistoryBytes });
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

  async *follow(options: FollowOptions = {}): AsyncGenerator<EventNotice> {
    const { filters = [], signal } = options;
    signal?.throwIfAborted();
    const matches = filters.length === 0 ? undefined : compileFilters(filters);
    yield* follow(this.#history, matches, options);
  }

  /** In one turn of the event loop, so that all subscribers see all events in the same order. */
  #tell(envelope: Envelope): void {
    this.#history.add(envelope);
    const fields = envelopeFields(envelope);
    for (const [subscription, matches] of this.#subscribers) {
      if (matches !== undefined && !matches(fields)) continue;
      if (!subscription.offer(envelope)) this.#subscribers.delete(subscription);
    }
  }
}
