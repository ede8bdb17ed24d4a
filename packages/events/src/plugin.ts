import { noConfig, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { EXCHANGE_DEFAULTS, exchangeConfig } from './config.ts';
import { eventHistorySlot } from './event-history.ts';
import { eventsSlot } from './events.ts';
import { Exchange } from './exchange.ts';
import { eventHistoryRoutes, eventsRoutes } from './service.ts';

/** The daemon's exchange: whoever has an event to tell, or listens, needs its slot. */
export const exchangePlugin = plugin({
  slot: eventsSlot,
  id: 'exchange',
  config: exchangeConfig,
  defaults: EXCHANGE_DEFAULTS,
  start: ({ config }) => new Exchange(config),
});

/** Puts events.v1 on the daemon's server. */
export const eventsGrpcPlugin = plugin({
  slot: grpcSlot,
  id: 'events',
  config: noConfig,
  needs: { events: eventsSlot },
  start: ({ needs }) => eventsRoutes(needs.events),
});

/** Puts `stowage.events.v1` on the daemon's server. */
export const eventHistoryGrpcPlugin = plugin({
  slot: grpcSlot,
  id: 'event-history',
  config: noConfig,
  needs: { history: eventHistorySlot },
  start: ({ needs }) => eventHistoryRoutes(needs.history),
});
