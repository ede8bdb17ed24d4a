import { isAbsolute } from 'node:path';
import { Fault, parsePlatform, quote } from '@stowage/core';
import type { TransferLimits, UnpackRule } from './local/limits.ts';

type Table = Readonly<Record<string, unknown>>;

/** As containerd's `[plugins."io.containerd.transfer.v1.local"]`. */
export const TRANSFER_DEFAULTS = {
  max_concurrent_downloads: 3,
  max_concurrent_uploaded_layers: 3,
  max_concurrent_unpacks: 1,
  check_platform_supported: false,
  config_path: '',
};

/** What containerd prints besides: the bytes of a layer that it fetches by pieces, which nothing here does. */
const UNUSED = ['concurrent_layer_fetch_buffer'];

export interface TransferConfig extends TransferLimits {
  /** Keys that are known and have no effect. */
  readonly unused: readonly string[];
}

/** @throws Fault `invalid_argument` naming the field. */
export function transferConfig(table: Table): TransferConfig {
  const known = [...Object.keys(TRANSFER_DEFAULTS), ...UNUSED, 'unpack_config'];
  const other = Object.keys(table).find((key) => !known.includes(key));
  if (other !== undefined) throw wrong(other, `unknown key, expected ${known.join(', ')}`);
  const { check_platform_supported: checkPlatform = false, config_path: path = '' } = table;
  if (typeof checkPlatform !== 'boolean') throw wrong('check_platform_supported', 'expected true or false');
  // containerd takes a list, separated by colons; directories of one are all that is in use.
  if (typeof path !== 'string' || (path !== '' && !isAbsolute(path)))
    throw wrong('config_path', 'expected an absolute path, or nothing');
  const rules = rulesOf(table.unpack_config);
  return {
    maxDownloads: number(table, 'max_concurrent_downloads'),
    maxUploads: number(table, 'max_concurrent_uploaded_layers'),
    maxUnpacks: Math.max(1, number(table, 'max_concurrent_unpacks')),
    checkPlatform,
    ...(path !== '' && { hostDirectory: path }),
    ...(rules !== undefined && { unpacks: rules }),
    unused: UNUSED.filter((key) => (table[key] ?? 0) !== 0),
  };
}

function rulesOf(list: unknown): UnpackRule[] | undefined {
  if (list === undefined) return undefined;
  if (!Array.isArray(list)) throw wrong('unpack_config', 'expected a list of tables');
  return list.map((rule: unknown, i) => {
    const at = `unpack_config[${i}]`;
    if (typeof rule !== 'object' || rule === null) throw wrong(at, 'expected a table');
    const { platform, snapshotter, differ = '', ...others } = rule as Table;
    const [key] = Object.keys(others);
    if (key !== undefined) throw wrong(`${at}.${key}`, 'unknown key, expected platform, snapshotter, differ');
    if (typeof platform !== 'string') throw wrong(`${at}.platform`, 'expected a platform, as linux/amd64');
    if (typeof snapshotter !== 'string' || snapshotter === '')
      throw wrong(`${at}.snapshotter`, 'expected the name of a snapshotter');
    if (typeof differ !== 'string') throw wrong(`${at}.differ`, 'expected the name of a differ, or nothing');
    return { platform: parsePlatform(platform), snapshotter };
  });
}

function number(table: Table, key: keyof typeof TRANSFER_DEFAULTS): number {
  const { [key]: value = TRANSFER_DEFAULTS[key] } = table;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw wrong(key, 'expected a whole number, 0 for no limit');
  return value;
}

const wrong = (field: string, why: string): Fault => new Fault('invalid_argument', `${quote(field)}: ${why}`);
