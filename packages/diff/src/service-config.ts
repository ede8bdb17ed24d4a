import { Fault } from '@stowage/core';

export interface DiffServiceConfig {
  /** Ids of differs, in the order in which they are asked. */
  readonly default: readonly string[];
  /** Every apply is on disk before it is answered. */
  readonly syncFs: boolean;
}

/** As containerd's `[plugins."io.containerd.service.v1.diff-service"]`. */
export const DIFF_SERVICE_DEFAULTS = { default: ['walking'], sync_fs: false };

/** @throws Fault `invalid_argument` */
export function diffServiceConfig(table: Readonly<Record<string, unknown>>): DiffServiceConfig {
  const { default: names = DIFF_SERVICE_DEFAULTS.default, sync_fs: syncFs = false, ...unknown } = table;
  const [key] = Object.keys(unknown);
  if (key !== undefined) {
    throw new Fault('invalid_argument', `${JSON.stringify(key)}: unknown key, expected default or sync_fs`);
  }
  if (!isNames(names)) {
    throw new Fault('invalid_argument', 'default: expected a list of ids of differs, such as ["walking"]');
  }
  if (typeof syncFs !== 'boolean') throw new Fault('invalid_argument', 'sync_fs: expected true or false');
  return { default: names, syncFs };
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string' && name !== '');
