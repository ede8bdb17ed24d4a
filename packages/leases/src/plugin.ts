import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { leaseServiceSlot } from './lease-manager.ts';
import { leaseRoutes } from './service.ts';

/** Offers leases on the daemon's socket. */
export const leasesGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'leases',
  config: noConfig,
  needs: { service: leaseServiceSlot },
  start: ({ needs }) => leaseRoutes(needs.service),
});
