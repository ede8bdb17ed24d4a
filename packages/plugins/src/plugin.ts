import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { proxyPluginServiceSlot } from './proxy-plugins.ts';
import { proxyPluginRoutes } from './service.ts';

/** Offers the proxy plugins on the daemon's socket. */
export const proxyPluginsGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'proxy-plugins',
  config: noConfig,
  needs: { service: proxyPluginServiceSlot },
  start: ({ needs }) => proxyPluginRoutes(needs.service),
});
