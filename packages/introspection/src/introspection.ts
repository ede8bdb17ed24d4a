import type { CallOptions, PluginStatus, Slot, TypedBytes } from '@stowage/core';

/** What a daemon is made of. @see containerd plugins/services/introspection/local.go */
export interface Introspection {
  /** Plugins that match any of the filters (fields `type`, `id`), those that failed included. */
  plugins(filters?: readonly string[], options?: CallOptions): Promise<readonly PluginStatus[]>;
  server(options?: CallOptions): Promise<ServerInfo>;
  /**
   * More about one plugin.
   *
   * @throws Fault `not_found`; `failed_precondition` if the plugin failed; `unimplemented` if it has no more to say.
   */
  pluginInfo(
    request: { readonly type: string; readonly id: string; readonly options?: TypedBytes | undefined },
    options?: CallOptions,
  ): Promise<{ readonly plugin: PluginStatus; readonly extra?: TypedBytes | undefined }>;
}

export interface ServerInfo {
  /** Made at the first start on a root and kept there. */
  readonly uuid: string;
  readonly pid: bigint;
  /** Inode of its pid namespace. */
  readonly pidNamespace: bigint;
  readonly deprecations: readonly DeprecationWarning[];
}

export interface DeprecationWarning {
  readonly id: string;
  readonly message: string;
  readonly lastOccurrence: Date;
}

export interface VersionInfo {
  /** `2.x.y+stowage.<version>`: clients gate features on the first part. */
  readonly version: string;
  readonly revision: string;
}

export interface Version {
  version(options?: CallOptions): Promise<VersionInfo>;
}

export const introspectionServiceSlot: Slot<Introspection> = {
  type: 'io.containerd.service.v1',
  id: 'introspection-service',
  api: 1,
};
