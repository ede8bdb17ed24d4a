import { noConfig, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { eventsSlot } from './events.ts';
import { Exchange } from './exchange.ts';
import { eventsRoutes } from './service.ts';

/** The daemon's exchange: whoever has an event to tell, or listens, needs its slot. */
export const exchangePlugin = plugin({
  slot: eventsSlot,
  id: 'exchange',
  config: noConfig,
  start: () => new Exchange(),
});

/** Puts events.v1 on the daemon's server. */
export const eventsGrpcPlugin = plugin({
  slot: grpcSlot,
  id: 'events',
  config: noConfig,
  needs: { events: eventsSlot },
  start: ({ needs }) => eventsRoutes(needs.events),
});
