import { resolve } from 'node:path';
import {
  abortable,
  type CallOptions,
  Fault,
  KeyedLock,
  type Logger,
  type PluginHost,
  type PluginStatus,
  quote,
  reasonOf,
  validateIdentifier,
} from '@stowage/core';
import type { Metadata } from '@stowage/metadata';
import type { ListedProxyPlugin, ProxyPlugin, ProxyPluginOrigin, ProxyPlugins } from '@stowage/plugins';
import type { ProxyPluginConfig } from '../config/daemon-config.ts';
import { proxyPluginConfig } from '../config/proxy-plugin.ts';
import { TableReader } from '../config/reader.ts';
import { proxyPlugin } from '../proxy.ts';
import type { AddedConfigs, AddedFile } from './added-file.ts';
import { type Selected, whyNotBeside } from './added-plugins.ts';
import { probeSnapshotter } from './probe.ts';
import { about, atStartOnly, notAdded, shared } from './refusals.ts';

export interface LocalProxyPluginsOptions extends Selected {
  readonly file: AddedFile;
  /** Why some of the file were left out at the start, by name. */
  readonly leftOut: ReadonlyMap<string, string>;
  readonly host: PluginHost;
  readonly plugins: () => readonly PluginStatus[];
  /** Undefined where none is composed; then nothing is recorded of anybody. */
  readonly metadata: Pick<Metadata, 'collect' | 'unknownSnapshots' | 'withdraw'> | undefined;
  readonly log: Logger;
  /** How long a process may take to answer when it is added; 10,000 unless told. */
  readonly probeTimeoutMs?: number | undefined;
}

const TURN = ['turn'];
const PROBE_TIMEOUT_MS = 10_000;
/** How long a removal waits for garbage to go first, which a process that hangs can hold up. */
const COLLECT_TIMEOUT_MS = 10_000;

/** The proxy plugins of the daemon that this process is. Changes are made one after the other. */
export class LocalProxyPlugins implements ProxyPlugins {
  readonly #options: LocalProxyPluginsOptions;
  readonly #leftOut: Map<string, string>;
  readonly #turns = new KeyedLock();

  constructor(options: LocalProxyPluginsOptions) {
    this.#options = options;
    this.#leftOut = new Map(options.leftOut);
  }

  async add(request: ProxyPlugin, { signal }: CallOptions = {}): Promise<void> {
    const { name, ...keys } = request;
    const what = `add plugin ${quote(name)}`;
    validateIdentifier(name, 'plugin name');
    const config = proxyPluginConfig(new TableReader(present(keys), what));
    const plugin = proxyPlugin(name, config, this.#options.interceptors);
    using _turn = await this.#turns.acquire(TURN, signal);
    const { file, host, log, metadata, probeTimeoutMs: timeoutMs = PROBE_TIMEOUT_MS } = this.#options;
    const { file: at } = this.#options.config;
    const before = file.configs.get(name);
    if (before !== undefined)
      throw new Fault('already_exists', `${what}: it was added before, at ${before.address}`);
    const clash = whyNotBeside(name, plugin, this.#options);
    if (clash !== undefined) throw new Fault(clash.kind, `${what}: ${clash.reason}`);
    if (config.type !== 'snapshot') throw atStartOnly(what, name, config.type, at);
    const sharer = this.#at(config.address);
    if (sharer !== undefined) throw shared(what, name, sharer, at);
    await about(what, () => probeSnapshotter(name, config.address, { signal, timeoutMs, metadata }));
    await this.#change(new Map([...file.configs, [name, config]]), async () => {
      await host.add(plugin);
    });
    log.info({ plugin: name, address: config.address }, 'proxy plugin added');
  }

  async remove(name: string, { signal }: CallOptions = {}): Promise<void> {
    const what = `remove plugin ${quote(name)}`;
    using _turn = await this.#turns.acquire(TURN, signal);
    const { config, file, host, log, metadata } = this.#options;
    const removed = file.configs.get(name);
    if (removed === undefined)
      throw notAdded(what, name, Object.hasOwn(config.proxyPlugins, name), config.file);
    const rest = new Map([...file.configs].filter(([other]) => other !== name));
    if (this.#leftOut.has(name)) await file.write(rest);
    else {
      const { slot } = proxyPlugin(name, removed);
      const take = () => this.#change(rest, () => host.remove(slot.type, name));
      await this.#collect(signal);
      await about(what, () => metadata?.withdraw(name, take, { signal }) ?? take());
    }
    this.#leftOut.delete(name);
    log.info({ plugin: name, address: removed.address }, 'proxy plugin removed');
  }

  async *list({ signal }: CallOptions = {}): AsyncGenerator<ListedProxyPlugin> {
    signal?.throwIfAborted();
    const { config, file } = this.#options;
    const all = [
      ...Object.entries(config.proxyPlugins).map(([name, one]) => this.#listed(name, one, 'config')),
      ...[...file.configs].map(([name, one]) => this.#listed(name, one, 'added')),
    ];
    yield* all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  #listed(name: string, config: ProxyPluginConfig, origin: ProxyPluginOrigin): ListedProxyPlugin {
    return { name, ...config, origin, problem: this.#problem(name, config, origin) };
  }

  #problem(name: string, config: ProxyPluginConfig, origin: ProxyPluginOrigin): string | undefined {
    const leftOut = origin === 'added' ? this.#leftOut.get(name) : undefined;
    if (leftOut !== undefined) return leftOut;
    const { type } = proxyPlugin(name, config).slot;
    const status = this.#options.plugins().find((one) => one.type === type && one.id === name);
    if (status === undefined) return `disabled_plugins of ${this.#options.config.file} names it`;
    return status.error === undefined ? undefined : reasonOf(status.error);
  }

  /** Has the file say what there will be, before there is: whoever uses it finds it again after a crash. */
  async #change(next: AddedConfigs, act: () => Promise<void>): Promise<void> {
    const { file, log } = this.#options;
    const before = file.configs;
    await file.write(next);
    try {
      await act();
    } catch (e) {
      await file.write(before).catch((failure: unknown) => {
        log.error({ err: failure }, 'a change to plugins failed, and can not be taken back on disk');
      });
      throw e;
    }
  }

  /** What nobody needs is deleted while its process is still here for that. */
  async #collect(signal: AbortSignal | undefined): Promise<void> {
    const { metadata, log } = this.#options;
    if (metadata === undefined) return;
    const timeout = AbortSignal.timeout(COLLECT_TIMEOUT_MS);
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      await abortable(metadata.collect(), either);
    } catch (e) {
      signal?.throwIfAborted();
      log.warn({ err: e }, 'a plugin is to be removed, and garbage was not collected before');
    }
  }

  /** The snapshotter that is at an address already, if there is one. */
  #at(address: string): string | undefined {
    const { config, file } = this.#options;
    const all = [...Object.entries(config.proxyPlugins), ...file.configs];
    return all.find(([, one]) => one.type === 'snapshot' && resolve(one.address) === resolve(address))?.[0];
  }
}

/** Without keys that are not set. */
function present(keys: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));
}
