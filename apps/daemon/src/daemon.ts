import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault, type Logger, type Plugin } from '@stowage/core';
import { Engine, nameOf } from '@stowage/engine';
import { eventsSlot } from '@stowage/events';
import { eventsTtrpcRoutes } from '@stowage/events/service';
import { primePool } from '@stowage/linux/confine';
import { listen } from '@stowage/rpc/server';
import { serveTtrpc } from '@stowage/ttrpc';
import type { DaemonConfig } from './config/daemon-config.ts';
import { builtinPlugins } from './plugins.ts';
import { proxyPlugins } from './proxy.ts';
import { lockRoot } from './root-lock.ts';
import { loadPackages } from './third-party.ts';

/** Every plugin that a config selects, ours, third parties' and proxies. */
export async function selectPlugins(config: DaemonConfig): Promise<readonly Plugin[]> {
  const proxies = proxyPlugins(config.proxyPlugins);
  const replaced = new Set(
    Object.values(config.proxyPlugins).flatMap((p) => (p.type === 'content' ? ['content'] : [])),
  );
  const builtin = builtinPlugins.filter(
    (p) => !(replaced.has('content') && p.slot.type === 'io.containerd.content.v1'),
  );
  return [...builtin, ...(await loadPackages(config.packages, config.pluginDir)), ...proxies];
}

/**
 * Runs a daemon until the signal fires: locks the root, starts the plugins, listens. Containers go on when it ends.
 *
 * @param onReady - told once both sockets answer.
 * @throws Fault for a config or root that can't be used; nothing is left running then.
 */
export async function runDaemon(
  config: DaemonConfig,
  options: { readonly log: Logger; readonly signal: AbortSignal; readonly onReady?: () => void },
): Promise<void> {
  const { log, signal } = options;
  for (const warning of config.warnings) log.warn({}, warning);
  await primePool();
  await privateDirectory(config.root);
  using _lock = await lockRoot(config.root);
  await privateDirectory(config.state);
  const plugins = await selectPlugins(config);
  warnOfForeign(plugins, config, log);

  await using engine = await Engine.open({
    root: config.root,
    state: config.state,
    plugins,
    config: config.plugins,
    configFile: config.file,
    disabled: config.disabledPlugins,
    required: config.requiredPlugins,
    log,
    signal,
  });
  await mkdir(dirname(config.address), { recursive: true, mode: 0o711 });
  await using _ttrpc = await listenTtrpc(engine, config, log);
  await using _server = await listen({
    address: { path: config.address, uid: config.uid, gid: config.gid },
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

/** Makes a directory that nobody else can list, whatever the umask, also one that is there with another mode. */
async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o711 });
  await chmod(path, 0o711);
}

function warnOfForeign(plugins: readonly Plugin[], config: DaemonConfig, log: Logger): void {
  const known = new Set(plugins.map(nameOf));
  const types = new Set(plugins.map((p) => p.slot.type));
  for (const name of Object.keys(config.plugins)) {
    if (!known.has(name))
      log.warn({ plugin: name }, 'the config has a table for a plugin that is not here; ignored');
  }
  for (const name of config.requiredPlugins) {
    if (!known.has(name) && !types.has(name)) {
      throw new Fault('failed_precondition', `required_plugins: there is no plugin ${name}`);
    }
  }
}
