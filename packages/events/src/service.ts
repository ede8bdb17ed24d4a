import { EventHistory as EventHistoryService } from '@stowage/api/event-history/v1';
import { Events as EventsService } from '@stowage/api/events/v1';
import { Events as TtrpcEventsService } from '@stowage/api/ttrpc/events/v1';
import { Fault } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes, typedBytesOf } from '@stowage/rpc';
import { envelopeFromWire, envelopeToWire } from './convert.ts';
import { noticeToWire, positionFromWire } from './convert-notice.ts';
import type { EventHistory } from './event-history.ts';
import type { Events } from './events.ts';

/** The service end of events.v1. A subscriber that has seen the response headers is subscribed. */
export function eventsRoutes(events: Events): Routes {
  return serviceRoutes(EventsService, {
    async publish({ topic, event }, context) {
      const { namespace } = scopeOf(context);
      if (namespace === '') {
        throw new Fault(
          'failed_precondition',
          'publish: namespace is required, in header containerd-namespace',
        );
      }
      const payload = typedBytesOf(event) ?? { typeUrl: '', value: new Uint8Array() };
      await events.publish(namespace, topic, payload, { signal: context.signal });
      return {};
    },
    async forward({ envelope }, { signal }) {
      await events.forward(envelopeFromWire(envelope), { signal });
      return {};
    },
    async *subscribe({ filters }, { signal }) {
      // Nothing may wait before this: the headers leave at the first wait, and tell that the subscription stands.
      for await (const envelope of events.subscribe(filters, { signal })) yield envelopeToWire(envelope);
    },
  });
}

/** The service end of `stowage.events.v1`. */
export function eventHistoryRoutes(history: EventHistory): Routes {
  return serviceRoutes(EventHistoryService, {
    async *subscribe({ filters, after }, { signal }) {
      const options = { filters, ...(after !== undefined && { after: positionFromWire(after) }), signal };
      for await (const notice of history.follow(options)) yield noticeToWire(notice);
    },
  });
}

/** The service that shims report to, on the daemon's ttrpc socket. */
export function eventsTtrpcRoutes(events: Pick<Events, 'forward'>): Routes {
  return serviceRoutes(TtrpcEventsService, {
    async forward({ envelope }, { signal }) {
      await events.forward(envelopeFromWire(envelope), { signal });
      return {};
    },
  });
}
