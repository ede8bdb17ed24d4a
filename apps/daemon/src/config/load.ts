import { join, resolve } from 'node:path';
import { socketPath } from '@stowage/rpc/unix-socket';
import { accessConfig } from './access.ts';
import {
  type DaemonConfig,
  DEBUG_TABLE,
  DEFAULTS,
  DIFFER_TABLE,
  LOG_LEVELS,
  type LogLevel,
  METRICS_TABLE,
  SERVER_TABLE,
} from './daemon-config.ts';
import { readConfigFiles } from './files.ts';
import { proxyPluginConfigs } from './proxy-plugin.ts';
import { isTable, type Problem, type Table, TableReader } from './reader.ts';
import { tcpConfig } from './tcp.ts';

/** Flags win over the file. */
export interface Flags {
  readonly config?: string | undefined;
  readonly root?: string | undefined;
  readonly state?: string | undefined;
  readonly address?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
  readonly debugAddress?: string | undefined;
  readonly metricsAddress?: string | undefined;
}

const KNOWN =
  'version, root, state, imports, packages, plugin_dir, disabled_plugins, required_plugins, [grpc], [access], [debug], [metrics], ' +
  '[plugins], [proxy_plugins], [stream_processors]';

/**
 * Reads the config in containerd's own shape, versions 2 to 4.
 *
 * @throws Fault `invalid_argument` or `not_found`, naming the file, the key and what was expected.
 */
export async function loadConfig(flags: Flags): Promise<DaemonConfig> {
  const file = flags.config ?? DEFAULTS.config;
  return parseConfig(await readConfigFiles(file, flags.config !== undefined), file, flags);
}

/**
 * @param report - Told of all that is wrong, instead of the first being thrown; what is wrong counts as absent.
 * @throws Fault `invalid_argument` naming the file, the key and what was expected.
 */
export function parseConfig(
  table: Table,
  file: string,
  flags: Flags = {},
  report?: (problem: Problem) => void,
): DaemonConfig {
  const reader = (of: Table | undefined, ...keys: string[]) => new TableReader(of ?? {}, file, keys, report);
  const top = reader(table);
  const version = top.integer('version') ?? 3;
  if (version < 2 || version > 4) top.refuse('version', `expected 2, 3 or 4, got ${version}`);
  top.ignore('imports');
  const fileRoot = top.absolute('root');
  const fileState = top.absolute('state');
  const root = resolve(flags.root ?? fileRoot ?? DEFAULTS.root);
  const state = resolve(flags.state ?? fileState ?? DEFAULTS.state);
  if (root === state) top.refuse('state', `must not be the same as root, ${root}`);
  const tables = pluginTables(top.table('plugins') ?? {}, reader);
  const metrics = {
    ...top.table('metrics'),
    ...tables[METRICS_TABLE],
    ...(flags.metricsAddress !== undefined && { address: flags.metricsAddress }),
  };
  const plugins = withProcessors(
    { ...tables, ...(Object.keys(metrics).length > 0 && { [METRICS_TABLE]: metrics }) },
    top.table('stream_processors'),
  );

  const grpc = reader(top.table('grpc'), 'grpc');
  const server = reader(plugins[SERVER_TABLE], 'plugins', SERVER_TABLE);
  const [ofGrpc, ofServer] = [grpc.socket('address'), server.socket('address')];
  const address = socketPath(flags.address ?? ofGrpc ?? ofServer ?? join(state, 'stowage.sock'));
  const uid = grpc.integer('uid') ?? 0;
  const gid = grpc.integer('gid') ?? 0;
  const debug = reader(top.table('debug'), 'debug');
  const debugServer = reader(plugins[DEBUG_TABLE], 'plugins', DEBUG_TABLE);
  const debugAddress = flags.debugAddress || debug.socket('address') || debugServer.socket('address');
  const fileLevel = debug.oneOf('level', LOG_LEVELS);

  const ignored = [
    ...grpc.ignore('max_recv_message_size', 'max_send_message_size'),
    ...debug.ignore('format'),
    ...top.ignore('temp', 'oom_score', 'ttrpc', 'cgroup', 'timeouts'),
  ];
  const result: DaemonConfig = {
    file,
    root,
    state,
    address,
    logLevel: flags.logLevel ?? fileLevel ?? DEFAULTS.logLevel,
    debug: {
      address: debugAddress === undefined ? undefined : socketPath(debugAddress),
      uid: debug.integer('uid') ?? debugServer.integer('uid') ?? 0,
      gid: debug.integer('gid') ?? debugServer.integer('gid') ?? 0,
    },
    uid,
    gid,
    tcp: tcpConfig(grpc),
    access: accessConfig(top.has('access') ? reader(top.table('access'), 'access') : undefined),
    disabledPlugins: top.strings('disabled_plugins') ?? [],
    requiredPlugins: top.strings('required_plugins') ?? [],
    packages: top.strings('packages') ?? [],
    pluginDir: top.absolute('plugin_dir') ?? join(root, 'plugins', 'node_modules'),
    plugins,
    proxyPlugins: proxyPluginConfigs(top.table('proxy_plugins') ?? {}, file, report),
    ignored,
  };
  grpc.end(
    'address, uid, gid, tcp_address, tcp_tls_cert, tcp_tls_key, tcp_tls_ca, tcp_tls_common_name, tcp_origins, tcp_hosts',
  );
  debug.end('level, address, uid, gid');
  top.end(KNOWN);
  return result;
}

/** containerd has them at the top; here they are a setting of the differ, whose own table counts more. */
function withProcessors(
  plugins: Readonly<Record<string, Table>>,
  processors: Table | undefined,
): Readonly<Record<string, Table>> {
  if (processors === undefined) return plugins;
  const differ = plugins[DIFFER_TABLE] ?? {};
  const { stream_processors: own = {} } = differ;
  if (!isTable(own)) return plugins;
  return { ...plugins, [DIFFER_TABLE]: { ...differ, stream_processors: { ...processors, ...own } } };
}

function pluginTables(
  table: Table,
  reader: (of: Table, ...keys: string[]) => TableReader,
): Record<string, Table> {
  const tables: Record<string, Table> = Object.create(null);
  const all = reader(table, 'plugins');
  for (const name of Object.keys(table)) {
    const own = all.table(name);
    if (own !== undefined) tables[name] = own;
  }
  return tables;
}
