import { Fault, parsePlatform } from '@stowage/core';
import type { ProxyPluginConfig } from './daemon-config.ts';
import { type Table, TableReader } from './reader.ts';

const PROXY_TYPES = {
  snapshot: 'snapshot',
  'io.containerd.snapshotter.v1': 'snapshot',
  content: 'content',
  'io.containerd.content.v1': 'content',
  diff: 'diff',
  'io.containerd.differ.v1': 'diff',
  sandbox: 'sandbox',
  'io.containerd.sandbox.controller.v1': 'sandbox',
} as const;

/**
 * Reads the tables of `[proxy_plugins]`.
 *
 * @param file - where they stand, for messages.
 * @throws Fault `invalid_argument` naming file and key.
 */
export function proxyPluginConfigs(table: Table, file: string): Record<string, ProxyPluginConfig> {
  const proxies: Record<string, ProxyPluginConfig> = Object.create(null);
  const all = new TableReader(table, file, 'proxy_plugins');
  for (const name of Object.keys(table)) {
    const one = new TableReader(all.table(name) ?? {}, file, `proxy_plugins.${name}`);
    proxies[name] = proxyPluginConfig(one);
  }
  return proxies;
}

/** Reads one of them. @throws Fault `invalid_argument` naming the key. */
export function proxyPluginConfig(one: TableReader): ProxyPluginConfig {
  const type = one.oneOf('type', Object.keys(PROXY_TYPES) as Array<keyof typeof PROXY_TYPES>);
  if (type === undefined) throw one.fault('type', 'is missing; expected snapshot, content, diff or sandbox');
  const address = one.socket('address');
  if (address === undefined) throw one.fault('address', 'is missing; expected the path of a unix socket');
  const config = {
    type: PROXY_TYPES[type],
    address,
    platform: platformOf(one),
    capabilities: one.strings('capabilities') ?? [],
    exports: one.stringMap('exports') ?? {},
  };
  one.end('type, address, platform, capabilities, exports');
  return config;
}

/** As it is written. Empty is as good as absent. */
function platformOf(one: TableReader): string | undefined {
  const platform = one.string('platform');
  if (platform === undefined || platform === '') return undefined;
  try {
    parsePlatform(platform);
  } catch (e) {
    throw Fault.is(e) ? one.fault('platform', e.message) : e;
  }
  return platform;
}
