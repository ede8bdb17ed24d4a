import { join } from 'node:path';
import {
  Fault,
  type Logger,
  type Need,
  type Plugin,
  type PluginHost,
  type PluginStatus,
  pluginListSlot,
  reasonOf,
  Skip,
} from '@stowage/core';
import { isOfEngine, type Node, nameOf, slotOf } from './graph.ts';
import type { LiveMaps } from './live-maps.ts';

export interface Started {
  readonly status: PluginStatus;
  readonly value: unknown;
}

export interface StartOptions {
  readonly root: string;
  readonly state: string;
  /** The settings of each, parsed. */
  readonly configs: ReadonlyMap<Node, unknown>;
  /** Plugins, by `type.id`, without which there is no start. */
  readonly required: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly list: () => readonly PluginStatus[];
  readonly host: PluginHost;
  readonly live: LiveMaps;
}

/**
 * Starts plugins into `started`, each as soon as those that it needs are up, so that whoever catches a failure can
 * dispose what came up: when this settles, nothing is still starting. A plugin that is skipped or fails takes with it
 * those that can't do without it; the others start.
 *
 * @throws Fault `failed_precondition` if a required plugin did not start.
 */
export async function startAll(
  nodes: readonly Node[],
  started: Map<Node, Started>,
  options: StartOptions,
): Promise<void> {
  const starts = new Map<Node, Promise<void>>();
  for (const node of nodes) starts.set(node, startAfter(node, starts, started, options));
  for (const result of await Promise.allSettled(starts.values())) {
    if (result.status === 'rejected') throw result.reason;
  }
}

async function startAfter(
  node: Node,
  starts: ReadonlyMap<Node, Promise<void>>,
  started: Map<Node, Started>,
  options: StartOptions,
): Promise<void> {
  const needed = [...node.fillers.values()].flatMap((filler) => filler.nodes);
  await Promise.all(needed.map((other) => starts.get(other)));
  options.signal.throwIfAborted();
  const result = await startOne(node, started, options);
  started.set(node, result);
  const { status } = result;
  if (status.error === undefined) return;
  const fields = { plugin: nameOf(node.plugin), reason: reasonOf(status.error) };
  if (status.state === 'skipped') options.log.info(fields, 'plugin skipped');
  else options.log.error(fields, 'plugin failed');
  if (options.required.includes(nameOf(node.plugin))) {
    const message = `required plugin ${fields.plugin} did not start: ${fields.reason}`;
    throw new Fault('failed_precondition', message, { cause: status.error });
  }
}

/**
 * Parses the settings of all plugins.
 *
 * @param tables - by `type.id`.
 * @param file - where the tables come from, for messages.
 * @throws Fault `invalid_argument` for a bad setting, naming plugin and key.
 */
export function parseConfigs(
  nodes: readonly Node[],
  tables: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  file: string | undefined,
): ReadonlyMap<Node, unknown> {
  return new Map(nodes.map((node) => [node, configOf(node.plugin, tables[nameOf(node.plugin)] ?? {}, file)]));
}

function configOf(
  plugin: Plugin,
  table: Readonly<Record<string, unknown>>,
  file: string | undefined,
): unknown {
  try {
    return plugin.config === undefined ? table : plugin.config(table);
  } catch (e) {
    if (!Fault.is(e)) throw e;
    const where = file === undefined ? '' : `${file}: `;
    throw new Fault(e.kind, `${where}[plugins.'${nameOf(plugin)}'] ${e.message}`, { cause: e });
  }
}

/** @returns what became of it, failed or not. @throws the signal's reason. */
export async function startOne(
  node: Node,
  started: ReadonlyMap<Node, Started>,
  options: StartOptions,
): Promise<Started> {
  const { plugin } = node;
  const exports = new Map<string, string>();
  const capabilities = new Set(plugin.capabilities);
  const status = {
    type: plugin.slot.type,
    id: plugin.id,
    requires: Object.values(plugin.needs ?? {}).map((need) => slotOf(need).type),
    platforms: plugin.platforms ?? [],
    exports,
  };
  try {
    const needs = Object.fromEntries(
      [...node.fillers].map(([name, { need, nodes }]) => [name, met(need, nodes, started, options)]),
    );
    const value = await plugin.start({
      root: join(options.root, nameOf(plugin)),
      state: join(options.state, nameOf(plugin)),
      config: options.configs.get(node),
      needs,
      exports,
      capabilities,
      log: options.log,
      signal: options.signal,
    });
    return { status: { ...status, capabilities: [...capabilities], state: 'ok' }, value };
  } catch (e) {
    options.signal.throwIfAborted();
    return {
      status: {
        ...status,
        capabilities: [...capabilities],
        state: Skip.is(e) ? 'skipped' : 'failed',
        error: e as Error,
      },
      value: undefined,
    };
  }
}

function met(
  need: Need<unknown>,
  nodes: readonly Node[],
  started: ReadonlyMap<Node, Started>,
  options: StartOptions,
): unknown {
  const slot = slotOf(need);
  if (isOfEngine(slot)) return slot.type === pluginListSlot.type ? options.list : options.host;
  const up = nodes.flatMap((node) => {
    const it = started.get(node);
    return it?.status.state === 'ok' ? [[node.plugin.id, it.value] as const] : [];
  });
  if ('all' in need) return new Map(up);
  if ('live' in need) return options.live.make(slot, up);
  if (up[0] !== undefined) return up[0][1];
  if ('optional' in need) return undefined;
  const missing = nodes
    .map((node) => `${nameOf(node.plugin)} (${reasonOf(started.get(node)?.status.error)})`)
    .join(', ');
  const down = nodes.every((node) => started.get(node)?.status.state === 'skipped');
  const message = `needs ${missing}, which did not start`;
  throw down ? new Skip(message) : new Fault('failed_precondition', message);
}

/** Disposes what started, last first. All are tried; the first failure is thrown at the end. */
export async function stopAll(started: ReadonlyMap<Node, Started>, log: Logger): Promise<void> {
  const failures: unknown[] = [];
  for (const [node, { value }] of [...started].reverse()) {
    try {
      await dispose(value);
    } catch (e) {
      log.error({ plugin: nameOf(node.plugin), reason: reasonOf(e) }, 'plugin did not stop cleanly');
      failures.push(e);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Disposes what a plugin gave, if it can be disposed. */
export async function dispose(value: unknown): Promise<void> {
  const it = value as Partial<AsyncDisposable & Disposable> | null | undefined;
  if (it === null || (typeof it !== 'object' && typeof it !== 'function')) return;
  if (typeof it[Symbol.asyncDispose] === 'function') await it[Symbol.asyncDispose]?.();
  else if (typeof it[Symbol.dispose] === 'function') it[Symbol.dispose]?.();
}
