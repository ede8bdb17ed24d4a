import type { AccessConfig } from './access.ts';
import type { TcpConfig } from './tcp.ts';

/** What the config file and the flags say, checked. */
export interface DaemonConfig {
  /** The file, for messages; it need not be there. */
  readonly file: string;
  readonly root: string;
  readonly state: string;
  /** Path of the gRPC socket; ttrpc listens beside it on `<address>.ttrpc`. */
  readonly address: string;
  readonly logLevel: LogLevel;
  readonly debug: DebugConfig;
  /** Owner of the sockets. */
  readonly uid: number;
  readonly gid: number;
  /** Undefined for not at all. */
  readonly tcp: TcpConfig | undefined;
  /** Undefined: whoever may connect may call anything. */
  readonly access: AccessConfig | undefined;
  readonly disabledPlugins: readonly string[];
  readonly requiredPlugins: readonly string[];
  /** npm packages that export `plugins`. */
  readonly packages: readonly string[];
  /** The folder that `packages` are resolved from. */
  readonly pluginDir: string;
  /** Tables by `type.id`. */
  readonly plugins: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly proxyPlugins: Readonly<Record<string, ProxyPluginConfig>>;
  /** Keys in the file that mean nothing here, each with the tables that it is in. */
  readonly ignored: ReadonlyArray<readonly string[]>;
}

/** Where the daemon can be looked into. */
export interface DebugConfig {
  /** Path of a unix socket; undefined for nowhere. */
  readonly address: string | undefined;
  readonly uid: number;
  readonly gid: number;
}

export interface ProxyPluginConfig {
  readonly type: 'snapshot' | 'content' | 'diff' | 'sandbox';
  readonly address: string;
  readonly platform?: string | undefined;
  readonly capabilities: readonly string[];
  readonly exports: Readonly<Record<string, string>>;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where a file of version 4 names the socket. */
export const SERVER_TABLE = 'io.containerd.server.v1.grpc';

/** What `[debug]` of older files is. */
export const DEBUG_TABLE = 'io.containerd.server.v1.debug';

/** What `[metrics]` of older files is. */
export const METRICS_TABLE = 'io.containerd.server.v1.metrics';

/** Whose `stream_processors` stand at the top of containerd's files. */
export const DIFFER_TABLE = 'io.containerd.differ.v1.walking';

export const DEFAULTS = {
  config: '/etc/stowage/config.toml',
  root: '/var/lib/stowage',
  state: '/run/stowage',
  address: '/run/stowage/stowage.sock',
  logLevel: 'info',
} as const;
