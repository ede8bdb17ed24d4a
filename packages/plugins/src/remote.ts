import type { Transport } from '@connectrpc/connect';
import { ProxyPlugins as ProxyPluginsService } from '@stowage/api/plugins/v1';
import { rpcClient } from '@stowage/rpc';
import { listedFromWire, pluginToWire } from './convert.ts';
import type { ProxyPlugins } from './proxy-plugins.ts';

/** The proxy plugins of a daemon. Calls to a daemon without the service, as containerd is, are `unimplemented`. */
export function remoteProxyPlugins(transport: Transport): ProxyPlugins {
  const rpc = rpcClient(ProxyPluginsService, transport);
  return {
    async add(plugin, { signal } = {}) {
      await rpc.add({ plugin: pluginToWire(plugin) }, { signal });
    },
    async remove(name, { signal } = {}) {
      await rpc.remove({ name }, { signal });
    },
    async *list({ signal } = {}) {
      const { plugins } = await rpc.list({}, { signal });
      yield* plugins.map(listedFromWire);
    },
  };
}
