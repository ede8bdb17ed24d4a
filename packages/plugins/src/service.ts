import { ProxyPlugins as ProxyPluginsService } from '@stowage/api/plugins/v1';
import { type Routes, serviceRoutes } from '@stowage/rpc';
import { listedToWire, pluginFromWire } from './convert.ts';
import type { ProxyPlugins } from './proxy-plugins.ts';

/** Offers `stowage.plugins.v1.ProxyPlugins`. */
export function proxyPluginRoutes(plugins: ProxyPlugins): Routes {
  return serviceRoutes(ProxyPluginsService, {
    async add({ plugin }, { signal }) {
      await plugins.add(pluginFromWire(plugin), { signal });
      return {};
    },
    async remove({ name }, { signal }) {
      await plugins.remove(name, { signal });
      return {};
    },
    list: async (_, { signal }) => ({
      plugins: (await Array.fromAsync(plugins.list({ signal }))).map(listedToWire),
    }),
  });
}
