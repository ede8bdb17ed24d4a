import type { CallOptions, Scoped, Slot } from '@stowage/core';
import type { Stream } from './stream.ts';

/** Opens streams for others to use by their ids. */
export interface Streams {
  /**
   * @param id - unique among the streams of the namespace that are open.
   * @returns once the id may be used.
   * @throws Fault `already_exists`; `invalid_argument` for an id that is empty or longer than 1024 characters.
   */
  open(id: string, options?: CallOptions): Promise<Stream>;
}

/**
 * The streams of one namespace. Whoever opens one holds one end; whoever is told its id takes the other.
 *
 * A stream lives as long as its ends: it is gone as soon as either leaves it, as when its client's connection is lost.
 * Nothing is kept on disk, and garbage collection need not know of it.
 */
export interface StreamManager extends Streams {
  /**
   * The other end. It is given once: two users of one stream would take each other's messages.
   *
   * @throws Fault `not_found`; `failed_precondition` if it was taken before.
   */
  take(id: string): Stream;
}

export const streamManagerSlot: Slot<Scoped<StreamManager>> = {
  type: 'io.containerd.streaming.v1',
  id: 'manager',
  api: 1,
};
