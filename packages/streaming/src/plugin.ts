import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { localStreams } from './local.ts';
import { streamingRoutes } from './service.ts';
import { streamManagerSlot } from './stream-manager.ts';

/** The streams of the daemon. */
export const streamManagerPlugin: Plugin = plugin({
  slot: streamManagerSlot,
  id: 'manager',
  config: noConfig,
  start: () => localStreams(),
});

/** Lets clients open streams on the daemon's socket. */
export const streamingGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'streaming',
  config: noConfig,
  needs: { streams: streamManagerSlot },
  start: ({ needs }) => streamingRoutes(needs.streams),
});
