import type { Transport } from '@connectrpc/connect';
import { Events as EventsService } from '@stowage/api/events/v1';
import { anyOf, rpcClient, scopeHeaders } from '@stowage/rpc';
import { envelopeFromWire, envelopeToWire } from './convert.ts';
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
