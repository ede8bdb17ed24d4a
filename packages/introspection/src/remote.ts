import type { Transport } from '@connectrpc/connect';
import { Introspection as IntrospectionService } from '@stowage/api/introspection/v1';
import { Version as VersionService } from '@stowage/api/version/v1';
import { Fault } from '@stowage/core';
import { anyOf, rpcClient, typedBytesOf } from '@stowage/rpc';
import { pluginFromWire, serverFromWire } from './convert.ts';
import type { Introspection, Version } from './introspection.ts';

/** Introspection of another daemon, ours or containerd. */
export function remoteIntrospection(transport: Transport): Introspection {
  const rpc = rpcClient(IntrospectionService, transport);
  return {
    async plugins(filters = [], options) {
      const { plugins } = await rpc.plugins({ filters: [...filters] }, options);
      return plugins.map(pluginFromWire);
    },
    server: async (options) => serverFromWire(await rpc.server({}, options)),
    async pluginInfo({ type, id, options: about }, options) {
      const { plugin, extra } = await rpc.pluginInfo(
        { type, id, ...(about && { options: anyOf(about) }) },
        options,
      );
      if (plugin === undefined) throw new Fault('internal', `plugin info of ${type}.${id}: empty answer`);
      return { plugin: pluginFromWire(plugin), extra: typedBytesOf(extra) };
    },
  };
}

/** The version of another daemon, ours or containerd. */
export function remoteVersion(transport: Transport): Version {
  const rpc = rpcClient(VersionService, transport);
  return {
    async version(options) {
      const { version, revision } = await rpc.version({}, options);
      return { version, revision };
    },
  };
}
