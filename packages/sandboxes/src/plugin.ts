import { all, noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { sandboxControllerRoutes } from './controller-service.ts';
import { RoutedControllers } from './routed-controllers.ts';
import { sandboxControllersSlot, sandboxerSlot } from './sandbox-controller.ts';
import { publisherSlot } from './sandbox-events.ts';
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

/** Finds the controller that a request names, and tells what it did. */
export const sandboxControllersPlugin: Plugin = plugin({
  slot: sandboxControllersSlot,
  id: 'sandbox-controllers-service',
  config: noConfig,
  needs: { sandboxers: all(sandboxerSlot), store: sandboxStoreSlot, events: publisherSlot },
  start: ({ needs, log }) => RoutedControllers.open({ ...needs, log }),
});

/** Offers the controllers on the daemon's socket, under containerd's name. */
export const sandboxControllersGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'sandbox-controllers',
  config: noConfig,
  needs: { controllers: sandboxControllersSlot },
  start: ({ needs }) => sandboxControllerRoutes(needs.controllers),
});
