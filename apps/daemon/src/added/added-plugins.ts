import type { Interceptor } from '@connectrpc/connect';
import { type Plugin, quote } from '@stowage/core';
import { nameOf } from '@stowage/engine';
import type { DaemonConfig } from '../config/daemon-config.ts';
import { proxyPlugin } from '../proxy.ts';
import type { AddedConfigs } from './added-file.ts';

/** What a config selects, for those that are added beside it. */
export interface Selected {
  readonly config: DaemonConfig;
  /** Where plugins are from, by `type.id`, those that are disabled included. */
  readonly origins: ReadonlyMap<string, string>;
  /** Around calls to processes of plugins that are added. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

/** Why a proxy plugin can't be here beside what the config selects, or undefined. */
export function whyNotBeside(
  id: string,
  plugin: Pick<Plugin, 'slot' | 'id'>,
  { config, origins }: Selected,
): { readonly kind: 'already_exists' | 'failed_precondition'; readonly reason: string } | undefined {
  if (Object.hasOwn(config.proxyPlugins, id))
    return { kind: 'already_exists', reason: `${config.file} has [proxy_plugins.${id}]` };
  const origin = origins.get(nameOf(plugin));
  if (origin !== undefined) return { kind: 'already_exists', reason: `${nameOf(plugin)} is ${origin}` };
  if (config.disabledPlugins.includes(nameOf(plugin)))
    return { kind: 'failed_precondition', reason: `disabled_plugins of ${config.file} names it` };
  return undefined;
}

/**
 * The plugins that were added while a daemon ran, for the next one. Config files may have changed since, and win.
 *
 * @returns why others are left out, by name.
 */
export function addedPlugins(
  configs: AddedConfigs,
  selected: Selected,
): { readonly plugins: readonly Plugin[]; readonly leftOut: ReadonlyMap<string, string> } {
  const plugins: Plugin[] = [];
  const leftOut = new Map<string, string>();
  for (const [id, config] of configs) {
    const plugin = proxyPlugin(id, config, selected.interceptors);
    const clash = whyNotBeside(id, plugin, selected);
    if (clash === undefined) plugins.push(plugin);
    else leftOut.set(id, clash.reason);
  }
  return { plugins, leftOut };
}

/** A line of the log for each of those that are left out. */
export function warningsOfLeftOut(leftOut: ReadonlyMap<string, string>): string[] {
  return [...leftOut].map(
    ([name, reason]) => `plugin ${quote(name)}, which was added while the daemon ran, is left out: ${reason}`,
  );
}
