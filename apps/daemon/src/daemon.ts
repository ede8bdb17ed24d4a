import { dirname, join } from 'node:path';
import { contentSlot } from '@stowage/content';
import type { Logger, Plugin } from '@stowage/core';
import { makePassable, takePlace } from '@stowage/embedded/place';
import { Engine, nameOf } from '@stowage/engine';
import { eventsSlot } from '@stowage/events';
import { eventsTtrpcRoutes } from '@stowage/events/service';
import { primePool } from '@stowage/linux/confine';
import { metadataPlugin } from '@stowage/metadata/plugin';
import { proxyPluginsGrpcPlugin } from '@stowage/plugins/plugin';
import { listen } from '@stowage/rpc/server';
import { serveTtrpc } from '@stowage/ttrpc';
import { AddedFile } from './added/added-file.ts';
import { addedPlugins, warningsOfLeftOut } from './added/added-plugins.ts';
import { proxyPluginsServicePlugin } from './added/plugin.ts';
import { type DaemonConfig, SERVER_TABLE } from './config/daemon-config.ts';
import { builtinPlugins } from './plugins.ts';
import { proxyPlugins } from './proxy.ts';
import { loadPackages } from './third-party.ts';

const METADATA = nameOf(metadataPlugin);
/** Below the root: the plugins that were added while a daemon ran. */
const ADDED = 'proxy-plugins.json';

interface Selection {
  readonly plugins: readonly Plugin[];
  readonly warnings: readonly string[];
}

/**
 * Every plugin that a config selects: ours, third parties', and proxies, also those that were added while a daemon ran. A
 * content proxy is instead of our store.
 */
async function selectPlugins(config: DaemonConfig, file: AddedFile): Promise<Selection> {
  const proxies = proxyPlugins(config.proxyPlugins);
  const replaced = proxies.some(({ slot }) => slot.type === contentSlot.type);
  const builtin = builtinPlugins.filter(({ slot }) => !(replaced && slot.type === contentSlot.type));
  const loaded = await loadPackages(config.packages, config.pluginDir);
  const origins = new Map([
    ...loaded.map((one) => [nameOf(one), `of a package that ${config.file} names`] as const),
    ...builtinPlugins.map((one) => [nameOf(one), 'built in'] as const),
  ]);
  const selected = { config, origins };
  const { plugins: added, leftOut } = addedPlugins(file.configs, selected);
  const admin = [proxyPluginsServicePlugin({ ...selected, file, leftOut }), proxyPluginsGrpcPlugin];
  const plugins = [...builtin, ...loaded, ...proxies, ...added, ...admin];
  const warnings = [...config.warnings, ...warningsOfForeign(plugins, config), ...warningsOfLeftOut(leftOut)];
  return { plugins, warnings };
}

/** Reads what a config selects and says what is wrong with it. Starts nothing. @returns warnings. */
export async function checkConfig(config: DaemonConfig): Promise<readonly string[]> {
  const { plugins, warnings } = await selectPlugins(config, AddedFile.none());
  Engine.check(engineOptions(config, plugins));
  return warnings;
}

/**
 * Runs a daemon until the signal fires: locks root and state, starts the plugins, listens. Containers go on when it ends.
 *
 * @param onReady - told once both sockets answer.
 * @throws Fault for a config or root that can't be used; nothing is left running then.
 */
export async function runDaemon(
  config: DaemonConfig,
  options: { readonly log: Logger; readonly signal: AbortSignal; readonly onReady?: () => void },
): Promise<void> {
  const { log, signal } = options;
  await primePool();
  using _place = await takePlace(config, 'stowaged');
  const file = await AddedFile.read(join(config.root, ADDED), log);
  const { plugins, warnings } = await selectPlugins(config, file);
  for (const warning of warnings) log.warn({}, warning);

  const { root, state } = config;
  await using engine = await Engine.open({ root, state, ...engineOptions(config, plugins), log, signal });
  await makePassable(dirname(config.address));
  await using _ttrpc = await listenTtrpc(engine, config, log);
  await using _server = await listen({
    address: {
      path: config.address,
      uid: config.uid,
      gid: config.gid,
      mode: config.gid === 0 ? 0o600 : 0o660,
    },
    routes: engine.routes,
    log,
  });
  log.info({ address: config.address, root: config.root, state: config.state, pid: process.pid }, 'ready');
  options.onReady?.();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  log.info({}, 'stopping; containers go on');
}

async function listenTtrpc(engine: Engine, config: DaemonConfig, log: Logger): Promise<AsyncDisposable> {
  const [events] = engine.values(eventsSlot).values();
  const routes = events === undefined ? [] : [eventsTtrpcRoutes(events)];
  return serveTtrpc({ path: `${config.address}.ttrpc`, routes, log });
}

function engineOptions(config: DaemonConfig, plugins: readonly Plugin[]) {
  // Without what it remembers, a daemon would look as if it had lost everything.
  const isHere = plugins.some((plugin) => nameOf(plugin) === METADATA);
  const needed = isHere && !config.disabledPlugins.includes(METADATA) ? [METADATA] : [];
  return {
    plugins,
    config: config.plugins,
    configFile: config.file,
    disabled: config.disabledPlugins,
    required: [...config.requiredPlugins, ...needed],
  };
}

/** Tables and names of plugins that only containerd has are no error: its config files are to be read here. */
function warningsOfForeign(plugins: readonly Plugin[], config: DaemonConfig): string[] {
  const known = new Set([...plugins.map(nameOf), SERVER_TABLE]);
  return Object.keys(config.plugins)
    .filter((name) => !known.has(name))
    .map((name) => `${config.file}: plugins.'${name}': there is no such plugin here; ignored`);
}
