import type { CallOptions, Slot } from '@stowage/core';

/**
 * The services of other processes that a daemon has in the place of its own, changed while it runs. Those of its config
 * file are told too, and can't be changed here.
 */
export interface ProxyPlugins {
  /**
   * Adds one. When this returns, every client can use it, and it is on disk: it is there after a restart too. Its process
   * must be there now, and may be away later, as one of the config file.
   *
   * @throws Fault `invalid_argument` for what the config file could not say either, naming the key; `already_exists` if
   *   another plugin has its name, saying where that one is from; `unavailable` if nothing answers at the address;
   *   `failed_precondition` if what answers is not of the type, or the type is one that a daemon takes at its start only.
   */
  add(plugin: ProxyPlugin, options?: CallOptions): Promise<void>;
  /**
   * Removes one that was added, at once and for good. What its process keeps stays there.
   *
   * @throws Fault `not_found`; `failed_precondition` while snapshots or containers of it are recorded, saying how many and
   *   in which namespaces, and for one of the config file.
   */
  remove(name: string, options?: CallOptions): Promise<void>;
  /** In the order of their names. */
  list(options?: CallOptions): AsyncIterable<ListedProxyPlugin>;
}

/** What a table `[proxy_plugins.<name>]` of a config file says. */
export interface ProxyPlugin {
  /** Its id among the plugins of its type: what clients call it. */
  readonly name: string;
  /** `snapshot`, `content` or `diff`; or the type of plugin in full. Listed in the short form. */
  readonly type: string;
  /** Path of its unix socket. */
  readonly address: string;
  /** What it is for, as `linux/arm64`; undefined for the daemon's own. */
  readonly platform?: string | undefined;
  /** What clients are told that it can do, such as `rebase`. */
  readonly capabilities: readonly string[];
  /** What clients are told of it besides, such as `root`. */
  readonly exports: Readonly<Record<string, string>>;
}

/** Where a daemon has a plugin from: its config file, or a call of {@link ProxyPlugins.add}. */
export type ProxyPluginOrigin = 'config' | 'added';

export interface ListedProxyPlugin extends ProxyPlugin {
  readonly origin: ProxyPluginOrigin;
  /** Why it was left out at the start, or failed; undefined if it is there. */
  readonly problem?: string | undefined;
}

export const proxyPluginServiceSlot: Slot<ProxyPlugins> = {
  type: 'io.containerd.service.v1',
  id: 'proxy-plugins-service',
  api: 1,
};
