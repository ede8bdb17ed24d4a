import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { garbageServiceSlot } from './inspector.ts';
import { garbageRoutes } from './service.ts';

/** Offers what is known of garbage on the daemon's socket. */
export const garbageGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'garbage',
  config: noConfig,
  needs: { service: garbageServiceSlot },
  start: ({ needs }) => garbageRoutes(needs.service),
});
