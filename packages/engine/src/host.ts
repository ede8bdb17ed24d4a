import {
  Fault,
  KeyedLock,
  type Need,
  type Plugin,
  type PluginHost,
  type PluginStatus,
  reasonOf,
  Skip,
} from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { fits, type Node, nameOf, slotOf } from './graph.ts';
import { dispose, parseConfigs, type Started, type StartOptions, startOne } from './running.ts';

/** What plugins that are added are started with. */
export interface HostOptions {
  readonly start: Omit<StartOptions, 'configs'>;
  /** As for the engine. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly configFile: string | undefined;
}

const TURN = ['turn'];

/** Changes which plugins a running engine has, one change after the other. */
export class Host implements PluginHost {
  readonly #nodes: Node[];
  readonly #started: Map<Node, Started>;
  readonly #turns = new KeyedLock();
  #options: HostOptions | undefined;

  /** Both are changed as plugins come and go. */
  constructor(nodes: Node[], started: Map<Node, Started>) {
    this.#nodes = nodes;
    this.#started = started;
  }

  /** To be called once all plugins have started. */
  open(options: HostOptions): void {
    this.#options = options;
  }

  /** Waits for the change under way; there are none after it. */
  async close(): Promise<void> {
    using _turn = await this.#turns.acquire(TURN);
    this.#options = undefined;
  }

  async add(plugin: Plugin): Promise<PluginStatus> {
    using _turn = await this.#turns.acquire(TURN);
    const name = nameOf(plugin);
    const { start, tables, configFile } = this.#running(`add plugin ${name}`);
    if (this.#nodes.some((node) => nameOf(node.plugin) === name))
      throw new Fault('already_exists', `add plugin ${name}: there is one already`);
    if (Object.keys(plugin.needs ?? {}).length > 0)
      throw new Fault(
        'invalid_argument',
        `add plugin ${name}: it needs others, which it can at the start only`,
      );
    this.#assertTakenLive(`add plugin ${name}`, plugin);
    const node: Node = { plugin, fillers: new Map() };
    const configs = parseConfigs([node], tables, configFile);
    const started = await startOne(node, this.#started, { ...start, configs });
    if (started.status.error !== undefined) throw started.status.error;
    this.#nodes.push(node);
    this.#putFirst(node, started);
    start.live.put(plugin, started.value);
    return started.status;
  }

  async remove(type: string, id: string): Promise<void> {
    using _turn = await this.#turns.acquire(TURN);
    const name = nameOf({ slot: { type }, id });
    const { start } = this.#running(`remove plugin ${name}`);
    const node = this.#nodes.find((one) => nameOf(one.plugin) === name);
    if (node === undefined) throw new Fault('not_found', `remove plugin ${name}: not found`);
    this.#assertTakenLive(`remove plugin ${name}`, node.plugin);
    start.live.drop(node.plugin);
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
    const value = this.#started.get(node)?.value;
    this.#started.delete(node);
    await dispose(value);
  }

  #running(what: string): HostOptions {
    if (this.#options === undefined || this.#options.start.signal.aborted)
      throw new Fault('failed_precondition', `${what}: the engine is not up`);
    return this.#options;
  }

  /** What started first is disposed last: after all that have it. */
  #putFirst(node: Node, started: Started): void {
    const others = [...this.#started];
    this.#started.clear();
    for (const [key, value] of [[node, started] as const, ...others]) this.#started.set(key, value);
  }

  /** @throws Fault `failed_precondition` if somebody who takes plugins of this kind would not hear of the change. */
  #assertTakenLive(what: string, plugin: Plugin): void {
    const { slot } = plugin;
    if (slot.type === grpcSlot.type)
      throw new Fault('failed_precondition', `${what}: RPC services are taken at the start only`);
    for (const taker of this.#nodes) {
      for (const need of Object.values(taker.plugin.needs ?? {})) {
        if (!fits(plugin, slotOf(need))) continue;
        const why = whyNot(plugin, need, this.#started.get(taker)?.status);
        if (why !== undefined)
          throw new Fault('failed_precondition', `${what}: ${nameOf(taker.plugin)} ${why}`);
      }
    }
  }
}

function whyNot({ slot }: Plugin, need: Need<unknown>, taker: PluginStatus | undefined): string | undefined {
  const { api, type } = slotOf(need);
  if (api !== slot.api) return `needs version ${api} of ${type}, this one is of version ${slot.api}`;
  if (!('live' in need)) return `takes ${type} at its start only`;
  // Perhaps for want of what would be added now.
  const { state, error } = taker ?? {};
  if (state === 'skipped' && !(Skip.is(error) && error.unwanted)) return `did not start: ${reasonOf(error)}`;
  return undefined;
}
