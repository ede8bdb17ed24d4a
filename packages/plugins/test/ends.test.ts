import { createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { ProxyPlugins as ProxyPluginsService } from '@stowage/api/plugins/v1';
import { Fault } from '@stowage/core';
import type { ListedProxyPlugin, ProxyPlugin, ProxyPlugins } from '@stowage/plugins';
import { remoteProxyPlugins } from '@stowage/plugins/remote';
import { proxyPluginRoutes } from '@stowage/plugins/service';
import { rpcClient } from '@stowage/rpc';

const FULL: ProxyPlugin = {
  name: 'far',
  type: 'snapshot',
  address: '/run/far.sock',
  platform: 'linux/arm64',
  capabilities: ['rebase', 'remap-ids'],
  exports: { root: '/var/lib/far', __proto: 'x' },
};
const BARE: ProxyPlugin = {
  name: 'near',
  type: 'snapshot',
  address: '/run/near.sock',
  platform: undefined,
  capabilities: [],
  exports: {},
};
const BROKEN: ListedProxyPlugin = { ...BARE, name: 'old', origin: 'config', problem: 'its name is taken' };

/** Of this process's memory. */
function memoryPlugins(): ProxyPlugins {
  const all = new Map<string, ListedProxyPlugin>([['old', BROKEN]]);
  return {
    add: async (plugin) => {
      if (all.has(plugin.name)) throw new Fault('already_exists', `add plugin ${plugin.name}: it is there`);
      all.set(plugin.name, { ...plugin, origin: 'added', problem: undefined });
    },
    remove: async (name) => {
      if (!all.delete(name)) throw new Fault('not_found', `remove plugin ${name}: not found`);
    },
    async *list() {
      yield* all.values();
    },
  };
}

test('plugins cross the wire whole, and failures by their kind', async () => {
  const plugins = remoteProxyPlugins(createRouterTransport(proxyPluginRoutes(memoryPlugins())));
  await plugins.add(FULL);
  await plugins.add(BARE);
  const added = [FULL, BARE].map((plugin) => ({ ...plugin, origin: 'added', problem: undefined }));
  expect(await Array.fromAsync(plugins.list())).toEqual([BROKEN, ...added]);
  await expect(plugins.add(FULL)).rejects.toMatchObject({
    kind: 'already_exists',
    message: 'add plugin far: it is there',
  });
  await plugins.remove('far');
  await expect(plugins.remove('far')).rejects.toMatchObject({ kind: 'not_found' });
  expect((await Array.fromAsync(plugins.list())).map(({ name }) => name)).toEqual(['old', 'near']);
});

test('an add of nothing is refused', async () => {
  const rpc = rpcClient(ProxyPluginsService, createRouterTransport(proxyPluginRoutes(memoryPlugins())));
  await expect(rpc.add({}, {})).rejects.toMatchObject({ kind: 'invalid_argument' });
});
