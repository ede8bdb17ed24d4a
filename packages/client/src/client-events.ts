import { type CallOptions, Fault, type Position } from '@stowage/core';
import type { Envelope } from '@stowage/events';
import type { Services } from './services.ts';

export interface EventOptions extends CallOptions {
  /** Fields: `namespace`, `topic`, `event.<field>`. Default: all events, of all namespaces. */
  readonly filters?: readonly string[] | undefined;
  /** The position of the last thing that was heard, to go on from there. */
  readonly after?: Position | undefined;
}

/** What a daemon tells. Of one that does not number its events, as containerd, nothing has a position. */
export type ClientEvent =
  | { readonly type: 'event'; readonly position?: Position | undefined; readonly envelope: Envelope }
  /** All up to here was told, or did not match. */
  | { readonly type: 'position'; readonly position: Position }
  /** Events are lost: `missed` of them, where that is known, those included that would not have matched. */
  | {
      readonly type: 'gap';
      readonly position?: Position | undefined;
      readonly missed?: bigint | undefined;
    };

export async function* clientEvents(
  { eventHistory, events }: Services,
  { filters = [], after, signal }: EventOptions,
): AsyncGenerator<ClientEvent> {
  let isNumbered = false;
  try {
    for await (const notice of eventHistory.follow({ filters, after, signal })) {
      isNumbered = true;
      yield notice;
    }
    return;
  } catch (e) {
    if (isNumbered || !Fault.is(e, 'unimplemented')) throw e;
  }
  if (after !== undefined) yield { type: 'gap' };
  for await (const envelope of events.subscribe(filters, { signal })) yield { type: 'event', envelope };
}
