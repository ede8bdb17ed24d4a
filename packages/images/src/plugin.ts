import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { imageServiceSlot } from './image-store.ts';
import { imageRoutes } from './service.ts';

/** Offers images on the daemon's socket. */
export const imagesGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'images',
  config: noConfig,
  needs: { service: imageServiceSlot },
  start: ({ needs }) => imageRoutes(needs.service),
});
