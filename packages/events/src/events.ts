import type { CallOptions, Slot, TypedBytes } from '@stowage/core';

/** One thing that happened. */
export interface Envelope {
  readonly timestamp: Date;
  readonly namespace: string;
  /** `/tasks/exit`, `/images/create`, ...: a slash, then identifiers with slashes between. */
  readonly topic: string;
  readonly event: TypedBytes;
}

/**
 * Tells everybody what happened. No replay: a subscriber sees what comes after it subscribed, of all namespaces
 * unless it filters.
 *
 * @see containerd core/events/exchange/exchange.go
 */
export interface Events {
  /**
   * Stamps an event with the time and tells all subscribers.
   *
   * @throws Fault `invalid_argument` for a malformed topic or namespace.
   */
  publish(namespace: string, topic: string, event: TypedBytes, options?: CallOptions): Promise<void>;

  /** Passes on an event of another process, with the namespace and time that it has. */
  forward(envelope: Envelope, options?: CallOptions): Promise<void>;

  /**
   * What happens from the first `next()` on, in order. Fields of filters: `namespace`, `topic`, `event.<field>`.
   * A reader too slow to keep up is cut off at a bound with `resource_exhausted`; nobody else waits for it.
   *
   * @throws Fault `invalid_argument` for a filter that can't be parsed.
   */
  subscribe(filters?: readonly string[], options?: CallOptions): AsyncIterable<Envelope>;
}

export const eventsSlot: Slot<Events> = { type: 'io.containerd.event.v1', api: 1 };
