import { mkdir } from 'node:fs/promises';
import type { Transport } from '@connectrpc/connect';
import {
  Fault,
  type Logger,
  type Plugin,
  type PluginHost,
  type PluginStatus,
  type Slot,
  silentLogger,
} from '@stowage/core';
import { grpcSlot, type Routes } from '@stowage/rpc';
import { memoryTransport } from '@stowage/rpc/transport';
import { type Node, nameOf, resolve } from './graph.ts';
import { Host } from './host.ts';
import { LiveMaps } from './live-maps.ts';
import { parseConfigs, type Started, startAll, stopAll } from './running.ts';

export interface EngineOptions {
  /** What lasts: content, snapshots, metadata. */
  readonly root: string;
  /** What goes at reboot: sockets, running tasks. */
  readonly state: string;
  readonly plugins: readonly Plugin[];
  /** Tables of the config file's `[plugins]`, by `type.id`; of plugins that are added later too. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  /** The file that `config` was read from, for messages. */
  readonly configFile?: string | undefined;
  /** Plugins that are left out at the start, by `type.id`. */
  readonly disabled?: readonly string[] | undefined;
  /** Plugins without which opening fails, by `type.id`. */
  readonly required?: readonly string[] | undefined;
  readonly log?: Logger | undefined;
  /** Gives opening up; what came up so far is stopped. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A set of plugins, started. Serves their RPC services to this process over {@link transport}, or through
 * `listen` of `@stowage/rpc/server` to others. Disposing stops the plugins, last started first.
 */
export class Engine implements PluginHost, AsyncDisposable {
  readonly #nodes: readonly Node[];
  /** In an order in which each comes after what it needs. */
  readonly #started: ReadonlyMap<Node, Started>;
  readonly #host: Host;
  readonly #log: Logger;
  readonly #stop: AbortController;
  #transport: Transport | undefined;

  private constructor(
    nodes: readonly Node[],
    started: ReadonlyMap<Node, Started>,
    host: Host,
    log: Logger,
    stop: AbortController,
  ) {
    this.#nodes = nodes;
    this.#started = started;
    this.#host = host;
    this.#log = log;
    this.#stop = stop;
  }

  /**
   * Resolves all needs, parses all settings, then starts each plugin as soon as those that it needs are up. A plugin
   * that fails is reported by {@link plugins} and does not stop the others, unless it is required.
   *
   * @throws Fault `failed_precondition` for needs that can't be met or a required plugin that did not start;
   *   `invalid_argument` for a bad setting.
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const { root, state, config = {}, configFile, required = [], log = silentLogger } = options;
    const { nodes, configs } = plan(options);
    await mkdir(root, { recursive: true, mode: 0o711 });
    await mkdir(state, { recursive: true, mode: 0o711 });
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    const started = new Map<Node, Started>();
    const inOrder = () => nodes.flatMap((node) => started.get(node)?.status ?? []);
    const host = new Host(nodes, started);
    const live = new LiveMaps();
    const start = { root, state, required, log, signal, list: inOrder, host, live };
    try {
      await startAll(nodes, started, { ...start, configs });
      host.open({ start, tables: config, configFile });
    } catch (e) {
      stop.abort(e);
      await stopAll(started, log).catch((failure: unknown) => {
        throw new AggregateError([e, failure], 'the engine did not start, and did not stop cleanly either');
      });
      throw e;
    }
    return new Engine(nodes, started, host, log, stop);
  }

  /**
   * Throws what {@link open} would throw before it starts anything.
   *
   * @returns the plugins that it would start, each after what it needs.
   */
  static check(options: Omit<EngineOptions, 'root' | 'state' | 'signal'>): readonly Plugin[] {
    return plan(options).nodes.map(({ plugin }) => plugin);
  }

  /** How each plugin came up: each after those that it needs. */
  plugins(): readonly PluginStatus[] {
    return this.#nodes.flatMap((node) => this.#started.get(node)?.status ?? []);
  }

  /** Also refused is an RPC service: whoever serves {@link routes} has them already. */
  add(plugin: Plugin): Promise<PluginStatus> {
    return this.#host.add(plugin);
  }

  remove(type: string, id: string): Promise<void> {
    return this.#host.remove(type, id);
  }

  /** Values of the plugins in a slot, by plugin id. */
  values<T>(slot: Slot<T>): ReadonlyMap<string, T> {
    const values = new Map<string, T>();
    for (const node of this.#nodes) {
      const { plugin } = node;
      const { status, value } = this.#started.get(node) ?? {};
      const fits = plugin.slot.type === slot.type && (slot.id === undefined || plugin.id === slot.id);
      if (fits && status?.state === 'ok') values.set(plugin.id, value as T);
    }
    return values;
  }

  /** The RPC services of all plugins. */
  get routes(): readonly Routes[] {
    return [...this.values(grpcSlot).values()];
  }

  /** Reaches the services from this process, without a socket. */
  get transport(): Transport {
    this.#transport ??= memoryTransport(this.routes);
    return this.#transport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Fault('canceled', 'the engine is stopping'));
    await this.#host.close();
    await stopAll(this.#started, this.#log);
  }
}

function plan(options: Omit<EngineOptions, 'root' | 'state' | 'signal'>) {
  const { plugins, config = {}, configFile, disabled = [], required = [], log = silentLogger } = options;
  const nodes = resolve(without(plugins, disabled, log));
  const known = new Set(nodes.map((node) => nameOf(node.plugin)));
  for (const name of required) {
    if (!known.has(name)) throw new Fault('failed_precondition', `required plugin ${name} is not there`);
  }
  return { nodes, configs: parseConfigs(nodes, config, configFile) };
}

/** Leaves plugins out; whatever can't do without them is reported when needs are resolved. */
function without(plugins: readonly Plugin[], disabled: readonly string[], log: Logger): Plugin[] {
  const names = new Set(plugins.map(nameOf));
  for (const name of disabled) {
    if (!names.has(name)) log.warn({ plugin: name }, 'disabled plugin is not there');
  }
  return plugins.filter((plugin) => !disabled.includes(nameOf(plugin)));
}
