import type { Plugin } from '@stowage/core';
import { nameOf } from '@stowage/engine';
import { stringify } from 'smol-toml';
import { DEFAULTS, METRICS_TABLE } from './daemon-config.ts';

/** The config file at its defaults, with the tables that the plugins ship. */
export function printDefaultConfig(plugins: readonly Plugin[]): string {
  const tables = plugins
    .filter((plugin) => plugin.defaults !== undefined)
    .map((plugin) => [nameOf(plugin), plugin.defaults] as const);
  const { [METRICS_TABLE]: metrics, ...others } = Object.fromEntries(tables);
  return stringify({
    version: 3,
    root: DEFAULTS.root,
    state: DEFAULTS.state,
    imports: [],
    packages: [],
    disabled_plugins: [],
    required_plugins: [],
    grpc: { address: DEFAULTS.address, uid: 0, gid: 0 },
    debug: { address: '', uid: 0, gid: 0, level: DEFAULTS.logLevel },
    metrics: { ...metrics },
    plugins: others,
    proxy_plugins: {},
  });
}
