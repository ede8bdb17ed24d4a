import { noConfig, optional, type Plugin, plugin, pluginHostSlot, pluginListSlot } from '@stowage/core';
import { metadataSlot } from '@stowage/metadata';
import { proxyPluginServiceSlot } from '@stowage/plugins';
import type { AddedFile } from './added-file.ts';
import type { Selected } from './added-plugins.ts';
import { LocalProxyPlugins } from './local-proxy-plugins.ts';

/** Changes the proxy plugins of the daemon that it is part of. */
export function proxyPluginsServicePlugin(
  options: Selected & { readonly file: AddedFile; readonly leftOut: ReadonlyMap<string, string> },
): Plugin {
  return plugin({
    slot: proxyPluginServiceSlot,
    id: 'proxy-plugins-service',
    config: noConfig,
    needs: { host: pluginHostSlot, plugins: pluginListSlot, metadata: optional(metadataSlot) },
    start: ({ needs, log }) => new LocalProxyPlugins({ ...options, ...needs, log }),
  });
}
