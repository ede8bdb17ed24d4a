import type { Transport } from '@connectrpc/connect';
import { EventHistory as EventHistoryService } from '@stowage/api/event-history/v1';
import { Events as EventsService } from '@stowage/api/events/v1';
import { anyOf, rpcClient, scopeHeaders } from '@stowage/rpc';
import { envelopeFromWire, envelopeToWire } from './convert.ts';
import { noticeFromWire, positionToWire } from './convert-notice.ts';
import type { EventHistory } from './event-history.ts';
import type { Events } from './events.ts';

/** The events of another process. Those that happen while a new subscription is under way there may be missed. */
export function remoteEvents(transport: Transport): Events {
  const rpc = rpcClient(EventsService, transport);
  return {
    async publish(namespace, topic, event, { signal } = {}) {
      await rpc.publish({ topic, event: anyOf(event) }, { headers: scopeHeaders({ namespace }), signal });
    },
    async forward(envelope, { signal } = {}) {
      await rpc.forward({ envelope: envelopeToWire(envelope) }, { signal });
    },
    async *subscribe(filters = [], { signal } = {}) {
      for await (const envelope of rpc.subscribe({ filters: [...filters] }, { signal })) {
        yield envelopeFromWire(envelope);
      }
    },
  };
}

/** The events that another process keeps. A daemon without the service, as containerd is, answers `unimplemented`. */
export function remoteEventHistory(transport: Transport): EventHistory {
  const rpc = rpcClient(EventHistoryService, transport);
  return {
    async *follow({ filters = [], after, signal } = {}) {
      const request = { filters: [...filters], ...(after !== undefined && { after: positionToWire(after) }) };
      for await (const wire of rpc.subscribe(request, { signal })) yield noticeFromWire(wire);
    },
  };
}
