import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { containerServiceSlot } from './container-store.ts';
import { containerRoutes } from './service.ts';

/** Offers containers on the daemon's socket. */
export const containersGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'containers',
  config: noConfig,
  needs: { service: containerServiceSlot },
  start: ({ needs }) => containerRoutes(needs.service),
});
