import { all, noConfig, type Plugin, plugin, pluginListSlot } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { runtimeSlot } from '@stowage/runtime';
import { introspectionServiceSlot, type VersionInfo } from './introspection.ts';
import { localIntrospection } from './local.ts';
import { introspectionRoutes, versionRoutes } from './service.ts';

export const introspectionServicePlugin: Plugin = plugin({
  slot: introspectionServiceSlot,
  id: 'introspection-service',
  config: noConfig,
  needs: { plugins: pluginListSlot, runtimes: all(runtimeSlot) },
  start: ({ root, needs }) =>
    localIntrospection({ root, plugins: needs.plugins, runtimes: [...needs.runtimes.values()] }),
});

export const introspectionGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'introspection',
  config: noConfig,
  needs: { introspection: introspectionServiceSlot },
  start: ({ needs }) => introspectionRoutes(needs.introspection),
});

/** Answers with a version that the program it is part of knows. */
export function versionGrpcPlugin(info: VersionInfo): Plugin {
  return plugin({
    slot: grpcSlot,
    id: 'version',
    config: noConfig,
    start: () => versionRoutes({ version: async () => info }),
  });
}
