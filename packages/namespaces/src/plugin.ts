import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { namespaceServiceSlot } from './namespace-store.ts';
import { namespaceRoutes } from './service.ts';

/** Offers namespaces on the daemon's socket. */
export const namespacesGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'namespaces',
  config: noConfig,
  needs: { service: namespaceServiceSlot },
  start: ({ needs }) => namespaceRoutes(needs.service),
});
