import { Fault, type Logger, quote } from '@stowage/core';

export interface NativeOptions {
  readonly log?: Logger | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
}

/** What a configuration file can say, with containerd's key. */
export interface NativeConfig {
  /** Directory to use instead of the plugin's own. */
  readonly rootPath?: string | undefined;
}

/** @throws Fault `invalid_argument` naming the key. */
export function parseNativeConfig(table: Readonly<Record<string, unknown>>): NativeConfig {
  for (const key of Object.keys(table)) {
    if (key !== 'root_path') {
      throw new Fault('invalid_argument', `${quote(key)}: unknown key; there is root_path`);
    }
  }
  const path = table.root_path ?? '';
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) {
    throw new Fault('invalid_argument', '"root_path": expected an absolute path');
  }
  return path === '' ? {} : { rootPath: path };
}
