import { Fault, type Logger, quote } from '@stowage/core';

export interface OverlayOptions {
  readonly log?: Logger | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
  /** Adds the label `containerd.io/snapshot/overlay.upperdir` with the path of a snapshot's own files. */
  readonly upperdirLabel?: boolean | undefined;
  /** More options for every overlay mount: `metacopy=on`, ...; `volatile` goes to those of unpacking alone. */
  readonly mountOptions?: readonly string[] | undefined;
  /** `remove` waits until the files are deleted, not only until they are out of the way. */
  readonly syncRemove?: boolean | undefined;
  /**
   * If the kernel can't map ids, clients may change the owners of all files instead, for each container. The
   * snapshotter does no more about it than not to claim `only-remap-ids`.
   */
  readonly slowChown?: boolean | undefined;
  /** Overlayfs is known to work at the root, and to map no ids: don't try it. */
  readonly skipProbe?: boolean | undefined;
}

/** What a configuration file can say, with containerd's keys. */
export interface OverlayConfig
  extends Pick<OverlayOptions, 'upperdirLabel' | 'mountOptions' | 'syncRemove' | 'slowChown'> {
  /** Directory to use instead of the plugin's own. */
  readonly rootPath?: string | undefined;
}

/** @throws Fault `invalid_argument` naming the key. */
export function parseOverlayConfig(table: Readonly<Record<string, unknown>>): OverlayConfig {
  const config: { -readonly [K in keyof OverlayConfig]: OverlayConfig[K] } = {
    upperdirLabel: false,
    mountOptions: [],
    syncRemove: false,
    slowChown: false,
  };
  for (const [key, value] of Object.entries(table)) {
    switch (key) {
      case 'root_path':
        if (typeof value !== 'string') throw expected(key, 'a path');
        if (value !== '' && !value.startsWith('/')) throw expected(key, 'an absolute path');
        config.rootPath = value === '' ? undefined : value;
        break;
      case 'upperdir_label':
        config.upperdirLabel = bool(key, value);
        break;
      case 'sync_remove':
        config.syncRemove = bool(key, value);
        break;
      case 'mount_options':
        if (!Array.isArray(value) || !value.every(isOption)) {
          throw expected(key, 'a list of mount options without commas');
        }
        config.mountOptions = value;
        break;
      case 'slow_chown':
        config.slowChown = bool(key, value);
        break;
      default:
        throw new Fault(
          'invalid_argument',
          `${quote(key)}: unknown key; there are root_path, upperdir_label, mount_options, sync_remove, slow_chown`,
        );
    }
  }
  return config;
}

function isOption(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes(',');
}

function bool(key: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw expected(key, 'true or false');
  return value;
}

function expected(key: string, what: string): Fault {
  return new Fault('invalid_argument', `${quote(key)}: expected ${what}`);
}
