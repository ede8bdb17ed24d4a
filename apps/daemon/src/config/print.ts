import type { Plugin } from '@stowage/core';
import { nameOf } from '@stowage/engine';
import { stringify } from 'smol-toml';
import { DEFAULTS } from './daemon-config.ts';

/** The config file at its defaults, with the tables that the plugins ship. */
export function printDefaultConfig(plugins: readonly Plugin[]): string {
  const tables = plugins
    .filter((plugin) => plugin.defaults !== undefined)
    .map((plugin) => [nameOf(plugin), plugin.defaults] as const);
  return stringify({
    version: 3,
    root: DEFAULTS.root,
    state: DEFAULTS.state,
    imports: [],
    packages: [],
    disabled_plugins: [],
    required_plugins: [],
    grpc: { address: DEFAULTS.address, uid: 0, gid: 0 },
    debug: { level: DEFAULTS.logLevel },
    plugins: Object.fromEntries(tables),
    proxy_plugins: {},
  });
}
