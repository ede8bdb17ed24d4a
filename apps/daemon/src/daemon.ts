import { dirname } from 'node:path';
import { contentSlot } from '@stowage/content';
import type { Logger, Plugin } from '@stowage/core';
import { Engine, nameOf } from '@stowage/engine';
import { eventsSlot } from '@stowage/events';
import { eventsTtrpcRoutes } from '@stowage/events/service';
import { primePool } from '@stowage/linux/confine';
import { metadataPlugin } from '@stowage/metadata/plugin';
import { listen } from '@stowage/rpc/server';
import { serveTtrpc } from '@stowage/ttrpc';
import { type DaemonConfig, SERVER_TABLE } from './config/daemon-config.ts';
import { makePassable, makePrivate } from './directories.ts';
import { lockDirectory } from './directory-lock.ts';
import { builtinPlugins } from './plugins.ts';
import { proxyPlugins } from './proxy.ts';
import { loadPackages } from './third-party.ts';

const METADATA = nameOf(metadataPlugin);

/** Every plugin that a config selects: ours, third parties', and proxies. A content proxy is instead of our store. */
export async function selectPlugins(config: DaemonConfig): Promise<readonly Plugin[]> {
  const proxies = proxyPlugins(config.proxyPlugins);
  const replaced = proxies.some(({ slot }) => slot.type === contentSlot.type);
  const builtin = builtinPlugins.filter(({ slot }) => !(replaced && slot.type === contentSlot.type));
  return [...builtin, ...(await loadPackages(config.packages, config.pluginDir)), ...proxies];
}

/** Reads what a config selects and says what is wrong with it. Starts nothing. @returns warnings. */
export async function checkConfig(config: DaemonConfig): Promise<readonly string[]> {
  const plugins = await selectPlugins(config);
  Engine.check(engineOptions(config, plugins));
  return [...config.warnings, ...warningsOfForeign(plugins, config)];
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
  await makePrivate(config.root);
  using _root = await lockDirectory(config.root);
  await makePrivate(config.state);
  using _state = await lockDirectory(config.state);
  const plugins = await selectPlugins(config);
  for (const warning of [...config.warnings, ...warningsOfForeign(plugins, config)]) log.warn({}, warning);

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
