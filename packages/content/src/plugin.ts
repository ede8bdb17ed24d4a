import { noConfig, optional, plugin, Skip } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { contentServiceSlot, contentSlot } from './content-store.ts';
import { contentRoutes } from './service.ts';

/**
 * Puts content.v1 on the daemon's server: from the metadata service, or, where none is composed, straight from the
 * store, whatever namespace a caller names.
 */
export const contentGrpcPlugin = plugin({
  slot: grpcSlot,
  id: 'content',
  config: noConfig,
  needs: { service: optional(contentServiceSlot), backend: optional(contentSlot) },
  start({ needs: { service, backend } }) {
    if (service !== undefined) return contentRoutes(service);
    if (backend === undefined) throw new Skip('no content store is loaded');
    return contentRoutes(() => backend);
  },
});
