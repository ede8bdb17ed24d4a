import { noConfig, optional, plugin, Skip } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { contentServiceSlot, contentSlot } from './content-store.ts';
import { verificationServiceSlot, verifierOf } from './content-verifier.ts';
import { contentRoutes, verificationRoutes } from './service.ts';

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

/** Puts stowage.content.v1 on the daemon's server, likewise. */
export const verificationGrpcPlugin = plugin({
  slot: grpcSlot,
  id: 'verification',
  config: noConfig,
  needs: { service: optional(verificationServiceSlot), backend: optional(contentSlot) },
  start({ needs: { service, backend } }) {
    if (service !== undefined) return verificationRoutes(service);
    const verifier = backend && verifierOf(backend);
    if (verifier === undefined) throw new Skip('no content store that can verify blobs is loaded');
    return verificationRoutes(() => verifier);
  },
});
