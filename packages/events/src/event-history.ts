import type { CallOptions, Position, Slot } from '@stowage/core';
import type { Envelope } from './events.ts';

/**
 * The events of a process, numbered, and the last of them kept in memory: who was cut off goes on where it was. As with
 * {@link Events}, a subscriber hears of all namespaces unless it filters.
 */
export interface EventHistory {
  /**
   * Events in order, none twice, those after `after` first; without it, what happens from the first `next()` on. The first
   * notice is a `position`: how far the subscriber is before it hears anything.
   *
   * A reader may take as long as it likes, at nobody's cost: what is no longer kept when it comes to read it is told as a
   * `gap`, as is what happened after a position of another run of the process.
   *
   * @throws Fault `invalid_argument` for a filter that can't be parsed.
   */
  follow(options?: FollowOptions): AsyncIterable<EventNotice>;
}

export interface FollowOptions extends CallOptions {
  /** As for {@link Events.subscribe}. */
  readonly filters?: readonly string[] | undefined;
  /** That of the last notice that was heard. Number 0 is before all events of a run. */
  readonly after?: Position | undefined;
}

export type EventNotice =
  | { readonly type: 'event'; readonly position: Position; readonly envelope: Envelope }
  /** All up to here was told, or did not match. Comes now and then, so that who filters has a position that is kept. */
  | { readonly type: 'position'; readonly position: Position }
  | EventGap;

/** Events up to a position are lost to the reader. */
export interface EventGap {
  readonly type: 'gap';
  readonly position: Position;
  /** How many, those that would not have matched included; undefined if they were of another run. */
  readonly missed?: bigint | undefined;
}

/** Our own exchange keeps them; another one that fills `eventsSlot` need not. */
export const eventHistorySlot: Slot<EventHistory> = {
  type: 'io.containerd.event.v1',
  id: 'exchange',
  api: 1,
};
