import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { mountServiceSlot } from './mount-manager.ts';
import { mountRoutes } from './service.ts';

/** Offers activations on the daemon's socket. */
export const mountsGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'mounts',
  config: noConfig,
  needs: { mounts: mountServiceSlot },
  start: ({ needs }) => mountRoutes(needs.mounts),
});
