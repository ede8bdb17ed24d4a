import { create } from '@bufbuild/protobuf';
import {
  ListedPluginSchema,
  Origin,
  ProxyPluginSchema,
  type ListedPlugin as WireListed,
  type ProxyPlugin as WirePlugin,
} from '@stowage/api/plugins/v1';
import { Fault } from '@stowage/core';
import type { ListedProxyPlugin, ProxyPlugin, ProxyPluginOrigin } from './proxy-plugins.ts';

const WIRE_ORIGIN: Readonly<Record<ProxyPluginOrigin, Origin>> = {
  config: Origin.CONFIG,
  added: Origin.ADDED,
};

export function pluginToWire({
  name,
  type,
  address,
  platform,
  capabilities,
  exports,
}: ProxyPlugin): WirePlugin {
  return create(ProxyPluginSchema, {
    name,
    type,
    address,
    platform: platform ?? '',
    capabilities: [...capabilities],
    exports: { ...exports },
  });
}

/** @throws Fault `invalid_argument` if it is not set. */
export function pluginFromWire(wire: WirePlugin | undefined): ProxyPlugin {
  if (wire === undefined) throw new Fault('invalid_argument', 'plugin is required');
  const { name, type, address, platform, capabilities, exports } = wire;
  return { name, type, address, platform: platform === '' ? undefined : platform, capabilities, exports };
}

export function listedToWire({ origin, problem, ...plugin }: ListedProxyPlugin): WireListed {
  return create(ListedPluginSchema, {
    plugin: pluginToWire(plugin),
    origin: WIRE_ORIGIN[origin],
    problem: problem ?? '',
  });
}

export function listedFromWire({ plugin, origin, problem }: WireListed): ListedProxyPlugin {
  return {
    ...pluginFromWire(plugin),
    origin: origin === Origin.CONFIG ? 'config' : 'added',
    problem: problem === '' ? undefined : problem,
  };
}
