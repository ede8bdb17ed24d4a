import { dirname, join } from 'node:path';
import { contentSlot } from '@stowage/content';
import { DisposalStack, type Logger, type Plugin } from '@stowage/core';
import { makePassable, takePlace } from '@stowage/embedded/place';
import { Engine, nameOf } from '@stowage/engine';
import { eventsSlot } from '@stowage/events';
import { eventsTtrpcRoutes } from '@stowage/events/service';
import { primePool } from '@stowage/linux/confine';
import { socketPeerCredentials } from '@stowage/linux/sockets';
import { metadataPlugin } from '@stowage/metadata/plugin';
import { metricsSlot } from '@stowage/metrics';
import { operationsSlot } from '@stowage/operations';
import { proxyPluginsGrpcPlugin } from '@stowage/plugins/plugin';
import { listen, observers, type RpcServer } from '@stowage/rpc/server';
import { observeCalls, tracerSlot } from '@stowage/tracing';
import { serveTtrpc } from '@stowage/ttrpc';
import { ruleOf } from './access.ts';
import { AddedFile } from './added/added-file.ts';
import { addedPlugins, warningsOfLeftOut } from './added/added-plugins.ts';
import { proxyPluginsServicePlugin } from './added/plugin.ts';
import { type DaemonConfig, DEBUG_TABLE, SERVER_TABLE } from './config/daemon-config.ts';
import { nameOfKeys } from './config/reader.ts';
import type { LevelSwitch } from './debug/level-switch.ts';
import { serveDebug } from './debug/serve.ts';
import type { Load } from './debug/variables.ts';
import { listenTcp } from './listen-tcp.ts';
import { Outgoing } from './outgoing.ts';
import { builtinPlugins } from './plugins.ts';
import { proxyPlugins } from './proxy.ts';
import { type Servers, serverCollector } from './server-collector.ts';
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
async function selectPlugins(
  config: DaemonConfig,
  file: AddedFile,
  outgoing = new Outgoing(),
): Promise<Selection> {
  const proxies = proxyPlugins(config.proxyPlugins, outgoing.interceptors);
  const replaced = proxies.some(({ slot }) => slot.type === contentSlot.type);
  const builtin = builtinPlugins.filter(({ slot }) => !(replaced && slot.type === contentSlot.type));
  const loaded = await loadPackages(config.packages, config.pluginDir);
  const origins = new Map([
    ...loaded.map((one) => [nameOf(one), `of a package that ${config.file} names`] as const),
    ...builtinPlugins.map((one) => [nameOf(one), 'built in'] as const),
  ]);
  const selected = { config, origins, interceptors: outgoing.interceptors };
  const { plugins: added, leftOut } = addedPlugins(file.configs, selected);
  const admin = [proxyPluginsServicePlugin({ ...selected, file, leftOut }), proxyPluginsGrpcPlugin];
  const plugins = [...builtin, ...loaded, ...proxies, ...added, ...admin];
  return { plugins, warnings: warningsOfLeftOut(leftOut) };
}

export interface ConfigPlan {
  /** All that the config selects, in no order; also those that it disables. */
  readonly plugins: readonly Plugin[];
  readonly warnings: readonly string[];
  /**
   * Those that would be started, each after what it needs.
   *
   * @throws Fault for needs that can't be met or a bad setting.
   */
  resolve(): readonly Plugin[];
}

/** What a config selects, without what was added while a daemon ran. Starts nothing. */
export async function planOf(config: DaemonConfig): Promise<ConfigPlan> {
  const { plugins, warnings } = await selectPlugins(config, AddedFile.none());
  return { plugins, warnings, resolve: () => Engine.check(engineOptions(config, plugins)) };
}

export interface RunOptions {
  readonly log: Logger;
  /** How much that says. */
  readonly level: LevelSwitch;
  readonly signal: AbortSignal;
  readonly onReady?: () => void;
  /** Told when the signal has fired, before anything is stopped. */
  readonly onStop?: () => void;
}

/**
 * Runs a daemon until the signal fires: locks root and state, starts the plugins, listens. Containers go on when it ends.
 *
 * @param onReady - told once both sockets answer.
 * @throws Fault for a config or root that can't be used; nothing is left running then.
 */
export async function runDaemon(config: DaemonConfig, options: RunOptions): Promise<void> {
  const { log, level, signal } = options;
  await primePool();
  using _place = await takePlace(config, 'stowaged');
  const file = await AddedFile.read(join(config.root, ADDED), log);
  const outgoing = new Outgoing();
  const { plugins, warnings } = await selectPlugins(config, file, outgoing);
  const foreign = unknownTables(plugins, config).map(
    (name) => `${config.file}: plugins.'${name}': there is no such plugin here; ignored`,
  );
  const ignored = config.ignored.map(
    (keys) => `${config.file}: ${nameOfKeys(keys)} has no meaning to stowaged and is ignored`,
  );
  for (const warning of [...ignored, ...foreign, ...warnings]) log.warn({}, warning);

  const { root, state } = config;
  await using engine = await Engine.open({ root, state, ...engineOptions(config, plugins), log, signal });
  const [tracer] = engine.values(tracerSlot).values();
  outgoing.tracer = tracer;
  const [metrics] = engine.values(metricsSlot).values();
  await makePassable(dirname(config.address));
  await using _ttrpc = await listenTtrpc(engine, config, log);
  const observer = observers([metrics?.calls, tracer && observeCalls(tracer)]);
  const { access } = config;
  await using server = await listen({
    address: {
      path: config.address,
      uid: config.uid,
      gid: config.gid,
      mode: config.gid === 0 ? 0o600 : 0o660,
    },
    routes: engine.routes,
    log,
    observer,
    ruleFor: access && ((socket) => ruleOf(access, peerOf(socketPeerCredentials(socket)))),
  });
  const servers = new Map<string, Pick<RpcServer, 'load'>>([['unix', server]]);
  await using held = new DisposalStack();
  if (config.tcp !== undefined) {
    const tcp = held.use(
      await listenTcp(config.tcp, {
        ...{ routes: engine.routes, log, observer },
        ruleFor: access && ((commonName) => ruleOf(access, [`cn:${commonName}`])),
      }),
    );
    servers.set('tcp', tcp);
    log.info({ host: tcp.host, port: tcp.port }, 'serving over TCP, to who has a certificate');
  }
  metrics?.add(serverCollector(servers));
  const { debug } = config;
  if (debug.address !== undefined) {
    const address = debug.address;
    held.use(await serveDebug({ config: { ...debug, address }, level, load: loadOf(servers, engine), log }));
  }
  log.info({ address: config.address, root: config.root, state: config.state, pid: process.pid }, 'ready');
  options.onReady?.();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  options.onStop?.();
  log.info({}, 'stopping; containers go on');
}

const peerOf = ({ uid, gid }: { readonly uid: number; readonly gid: number }) => [`uid:${uid}`, `gid:${gid}`];

async function listenTtrpc(engine: Engine, config: DaemonConfig, log: Logger): Promise<AsyncDisposable> {
  const [events] = engine.values(eventsSlot).values();
  const routes = events === undefined ? [] : [eventsTtrpcRoutes(events)];
  return serveTtrpc({ path: `${config.address}.ttrpc`, routes, log });
}

/** What the daemon is busy with, for whoever looks into it. */
function loadOf(servers: Servers, engine: Engine): Load {
  const [operations] = engine.values(operationsSlot).values();
  const sum = (of: (load: RpcServer['load']) => number) =>
    [...servers.values()].reduce((total, { load }) => total + of(load), 0);
  return {
    get connections() {
      return sum(({ connections }) => connections);
    },
    get calls() {
      return sum(({ calls }) => calls);
    },
    operations: (options) =>
      Array.fromAsync(operations?.scope({ namespace: '' }).list(['state==running'], options) ?? []),
  };
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

/** Tables of plugins that are not here. Those that only containerd has are no error: its config files are to be read here. */
export function unknownTables(plugins: readonly Plugin[], config: DaemonConfig): string[] {
  const known = new Set([...plugins.map(nameOf), SERVER_TABLE, DEBUG_TABLE]);
  return Object.keys(config.plugins).filter((name) => !known.has(name));
}
