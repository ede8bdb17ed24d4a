import type { Interceptor } from '@connectrpc/connect';
import { contentSlot } from '@stowage/content';
import { hostPlatform, noConfig, type Plugin, parsePlatform, plugin, type Scope } from '@stowage/core';
import { differSlot } from '@stowage/diff';
import { remoteDiffer } from '@stowage/diff/remote';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import { sandboxerSlot } from '@stowage/sandboxes';
import { remoteSandboxController } from '@stowage/sandboxes/controller-remote';
import { snapshotterSlot } from '@stowage/snapshots';
import type { ProxyPluginConfig } from './config/daemon-config.ts';
import { proxiedContent } from './proxied-content.ts';
import { proxiedSnapshotter } from './proxied-snapshotter.ts';

/**
 * Other processes' services in the place of our own: containerd's `[proxy_plugins]`. They need not be there when the
 * daemon starts; a call while one is away fails with `unavailable`, and the next one finds it again.
 *
 * @param interceptors - around each call to them.
 */
export function proxyPlugins(
  configs: Readonly<Record<string, ProxyPluginConfig>>,
  interceptors: readonly Interceptor[] = [],
): Plugin[] {
  return Object.entries(configs).map(([name, config]) => proxyPlugin(name, config, interceptors));
}

export function proxyPlugin(
  id: string,
  config: ProxyPluginConfig,
  interceptors: readonly Interceptor[] = [],
): Plugin {
  const about = {
    id,
    config: noConfig,
    capabilities: config.capabilities,
    // As of containerd's proxies: clients match what they unpack with it.
    platforms: [config.platform === undefined ? hostPlatform() : parsePlatform(config.platform)],
  };
  const connect = (exports: Map<string, string>) => {
    for (const [key, value] of Object.entries(config.exports)) exports.set(key, value);
    exports.set('address', config.address);
    return unixTransport(config.address, { interceptors });
  };
  switch (config.type) {
    case 'snapshot':
      return plugin({
        ...about,
        slot: snapshotterSlot,
        start: ({ exports }) => over(connect(exports), (t) => proxiedSnapshotter(t, id)),
      });
    case 'content':
      return plugin({
        ...about,
        slot: contentSlot,
        start: ({ exports }) => over(connect(exports), proxiedContent),
      });
    case 'diff':
      return plugin({
        ...about,
        slot: differSlot,
        start: ({ exports }) =>
          // The lease too: it keeps what the differ makes until an image names it (containerd issue 12328).
          over(connect(exports), (t) => (scope: Scope) => remoteDiffer(t, scope)),
      });
    case 'sandbox':
      return plugin({
        ...about,
        slot: sandboxerSlot,
        start: ({ exports }) =>
          over(connect(exports), (t) => ({
            controller: ({ namespace }: Scope) => remoteSandboxController(t, { namespace }, id),
          })),
      });
  }
}

/** Ends with the connection that it talks over. */
function over<T extends object>(
  transport: ClosableTransport,
  make: (transport: ClosableTransport) => T,
): T & AsyncDisposable {
  return Object.assign(make(transport), {
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  });
}
