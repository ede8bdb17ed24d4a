import { contentSlot } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { type Plugin, parsePlatform, plugin } from '@stowage/core';
import { differSlot } from '@stowage/diff';
import { remoteDiffer } from '@stowage/diff/remote';
import { unixTransport } from '@stowage/rpc/transport';
import { snapshotterSlot } from '@stowage/snapshots';
import { remoteSnapshotter } from '@stowage/snapshots/remote';
import type { ProxyPluginConfig } from './config/daemon-config.ts';

/** Other processes' services in the place of our own: containerd's `[proxy_plugins]`. */
export function proxyPlugins(configs: Readonly<Record<string, ProxyPluginConfig>>): Plugin[] {
  return Object.entries(configs).map(([name, config]) => proxyPlugin(name, config));
}

function proxyPlugin(id: string, config: ProxyPluginConfig): Plugin {
  const about = {
    id,
    capabilities: config.capabilities,
    platforms: config.platform === undefined ? [] : [parsePlatform(config.platform)],
  };
  const connect = (exports: Map<string, string>) => {
    for (const [key, value] of Object.entries(config.exports)) exports.set(key, value);
    exports.set('address', config.address);
    return unixTransport(config.address);
  };
  switch (config.type) {
    case 'snapshot':
      return plugin({
        ...about,
        slot: snapshotterSlot,
        start: ({ exports }) => remoteSnapshotter(connect(exports), id, { namespace: '' }),
      });
    case 'content':
      return plugin({
        ...about,
        slot: contentSlot,
        start: ({ exports }) => remoteContent(connect(exports), { namespace: '' }),
      });
    case 'diff':
      return plugin({
        ...about,
        slot: differSlot,
        start: ({ exports }) => {
          const transport = connect(exports);
          return (scope) => remoteDiffer(transport, scope);
        },
      });
  }
}
