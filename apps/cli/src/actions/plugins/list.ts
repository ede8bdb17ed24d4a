import type { Client } from '@stowage/client';
import { Fault, formatPlatform, type PluginStatus, reasonOf } from '@stowage/core';
import type { ListedProxyPlugin, ProxyPluginOrigin } from '@stowage/plugins';
import type { Command } from 'commander';
import type { ListPluginsFlags } from '../../commands/plugins.ts';
import { open } from '../../connection.ts';
import { formatOf, type Listing, list } from '../../listing.ts';
import { styleOfState } from '../../screen.ts';

/** The types of plugins that can be in other processes, as configs spell them. */
const PROXIED: Readonly<Record<string, string>> = {
  'io.containerd.snapshotter.v1': 'snapshot',
  'io.containerd.content.v1': 'content',
  'io.containerd.differ.v1': 'diff',
  'io.containerd.sandbox.controller.v1': 'sandbox',
};

interface Row {
  readonly type: string;
  readonly id: string;
  readonly state: PluginStatus['state'] | 'left out';
  /** Of a service of another process: where the daemon has it from. */
  readonly from?: ProxyPluginOrigin | undefined;
  readonly address?: string | undefined;
  readonly problem?: string | undefined;
  readonly platforms: readonly string[];
  readonly capabilities: readonly string[];
  readonly exports: Readonly<Record<string, string>>;
}

const LISTING: Listing<Row> = {
  fields: [
    { name: 'Type', heading: 'TYPE', text: ({ type }) => type },
    { name: 'ID', heading: 'NAME', text: ({ id }) => id },
    {
      name: 'State',
      heading: 'STATE',
      text: ({ state }) => state,
      style: ({ state }) => styleOfState(state),
    },
    { name: 'From', heading: 'FROM', text: ({ from = '' }) => from },
    { name: 'Address', heading: 'ADDRESS', text: ({ address = '' }) => address },
    { name: 'Problem', heading: 'PROBLEM', text: ({ problem = '' }) => problem },
  ],
  json: (row) => row,
  name: ({ type, id }) => `${type}.${id}`,
};

export async function listPlugins(command: Command, flags: ListPluginsFlags): Promise<void> {
  const format = formatOf(flags);
  await using client = open(command);
  const rows = (await rowsOf(client)).filter(({ from }) => !flags.proxies || from !== undefined);
  await list(rows, LISTING, format);
}

async function rowsOf(client: Client): Promise<Row[]> {
  const listed = await proxiesOf(client);
  const plugins = await client.services.introspection.plugins();
  const here = plugins.map((plugin) => rowOf(plugin, listed));
  const absent = (listed ?? []).filter(
    ({ name, origin, type }) =>
      !here.some((row) => row.id === name && row.from === origin && PROXIED[row.type] === type),
  );
  const rows = [...here, ...absent.map(absentRow)];
  return rows.sort((a, b) => order(a.type, b.type) || order(a.id, b.id));
}

/** Undefined of a daemon that does not tell, as containerd does not. */
async function proxiesOf(client: Client): Promise<readonly ListedProxyPlugin[] | undefined> {
  try {
    return await Array.fromAsync(client.services.proxyPlugins.list());
  } catch (e) {
    if (Fault.is(e, 'unimplemented')) return undefined;
    throw e;
  }
}

function rowOf(plugin: PluginStatus, listed: readonly ListedProxyPlugin[] | undefined): Row {
  const { type, id, state, error, capabilities } = plugin;
  const address = PROXIED[type] === undefined ? undefined : plugin.exports.get('address');
  return {
    type,
    id,
    state,
    from: address === undefined ? undefined : originOf(plugin, listed),
    address,
    problem: error === undefined ? undefined : reasonOf(error),
    platforms: plugin.platforms.map(formatPlatform),
    capabilities,
    exports: Object.fromEntries(plugin.exports),
  };
}

function originOf(
  { type, id }: PluginStatus,
  listed: readonly ListedProxyPlugin[] | undefined,
): ProxyPluginOrigin {
  const found = listed?.filter(({ name, type: its }) => name === id && its === PROXIED[type]) ?? [];
  return found.length === 1 && found[0] !== undefined ? found[0].origin : 'config';
}

function absentRow({ name, type, address, origin, problem, ...plugin }: ListedProxyPlugin): Row {
  const full = Object.keys(PROXIED).find((key) => PROXIED[key] === type) ?? type;
  const { platform, capabilities, exports } = plugin;
  const platforms = platform === undefined ? [] : [platform];
  return {
    type: full,
    id: name,
    state: 'left out',
    from: origin,
    address,
    problem,
    platforms,
    capabilities,
    exports,
  };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
