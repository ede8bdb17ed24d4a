import type { Filter } from '@stowage/core';
import { envelopeFields } from './event-fields.ts';
import type { EventNotice, FollowOptions } from './event-history.ts';
import type { History } from './history.ts';

/** Events that are passed over before others have their turn, and the reader has a position. */
const PASSED_OVER = 500;

/** Reads a history from where it is told to, and goes on as it grows. A reader is no more than a number. */
export async function* follow(
  history: History,
  matches: Filter | undefined,
  { after, signal }: FollowOptions,
): AsyncGenerator<EventNotice> {
  const positionOf = (sequence: bigint) => ({ epoch: history.epoch, sequence });
  let heard = history.last;
  if (after !== undefined && history.isOurs(after)) {
    heard = after.sequence;
  } else if (after !== undefined) {
    heard = history.first - 1n;
    yield { type: 'gap', position: positionOf(heard) };
  }
  yield { type: 'position', position: positionOf(heard) };
  for (let passedOver = 0; ; ) {
    signal?.throwIfAborted();
    const before = history.first - 1n;
    if (heard < before) {
      const missed = before - heard;
      heard = before;
      yield { type: 'gap', position: positionOf(heard), missed };
      continue;
    }
    const envelope = history.get(heard + 1n);
    if (envelope === undefined) {
      await history.added.next(signal);
      continue;
    }
    heard += 1n;
    if (matches === undefined || matches(envelopeFields(envelope))) {
      passedOver = 0;
      yield { type: 'event', position: positionOf(heard), envelope };
    } else if (++passedOver === PASSED_OVER) {
      passedOver = 0;
      await new Promise((resolve) => setImmediate(resolve));
      yield { type: 'position', position: positionOf(heard) };
    }
  }
}
