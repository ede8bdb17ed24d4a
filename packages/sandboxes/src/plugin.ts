import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { sandboxStoreSlot } from './sandbox-store.ts';
import { sandboxRoutes } from './service.ts';

/** Offers the records of sandboxes on the daemon's socket. */
export const sandboxesGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'sandboxes',
  config: noConfig,
  needs: { store: sandboxStoreSlot },
  start: ({ needs }) => sandboxRoutes(needs.store),
});
