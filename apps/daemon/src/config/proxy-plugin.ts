import { Fault, parsePlatform } from '@stowage/core';
import type { ProxyPluginConfig } from './daemon-config.ts';
import { type Problem, type Table, TableReader } from './reader.ts';

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
 * @param report - Told of what is wrong instead of its being thrown; a plugin with which something is wrong is left out.
 * @throws Fault `invalid_argument` naming file and key.
 */
export function proxyPluginConfigs(
  table: Table,
  file: string,
  report?: (problem: Problem) => void,
): Record<string, ProxyPluginConfig> {
  const proxies: Record<string, ProxyPluginConfig> = Object.create(null);
  const all = new TableReader(table, file, ['proxy_plugins'], report);
  for (const name of Object.keys(table)) {
    const own = all.table(name);
    if (own === undefined) continue;
    const config = readProxyPlugin(new TableReader(own, file, ['proxy_plugins', name], report));
    if (config !== undefined) proxies[name] = config;
  }
  return proxies;
}

/** Reads one of them. @throws Fault `invalid_argument` naming the key. */
export function proxyPluginConfig(one: TableReader): ProxyPluginConfig {
  const config = readProxyPlugin(one);
  if (config === undefined) throw one.fault('type', 'nothing is known of it');
  return config;
}

/** Undefined if something is wrong with it, which the reader reports or throws. */
function readProxyPlugin(one: TableReader): ProxyPluginConfig | undefined {
  const type = one.oneOf('type', Object.keys(PROXY_TYPES) as Array<keyof typeof PROXY_TYPES>);
  if (type === undefined) one.refuse('type', 'is missing; expected snapshot, content, diff or sandbox');
  const address = one.socket('address');
  if (address === undefined) one.refuse('address', 'is missing; expected the path of a unix socket');
  const more = {
    platform: platformOf(one),
    capabilities: one.strings('capabilities') ?? [],
    exports: one.stringMap('exports') ?? {},
  };
  one.end('type, address, platform, capabilities, exports');
  if (type === undefined || address === undefined) return undefined;
  return { type: PROXY_TYPES[type], address, ...more };
}

/** As it is written. Empty is as good as absent. */
function platformOf(one: TableReader): string | undefined {
  const platform = one.string('platform');
  if (platform === undefined || platform === '') return undefined;
  try {
    parsePlatform(platform);
  } catch (e) {
    if (!Fault.is(e)) throw e;
    one.refuse('platform', e.message);
  }
  return platform;
}
