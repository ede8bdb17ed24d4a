import { isAbsolute } from 'node:path';
import { Fault } from '@stowage/core';
import type { CompressionLevels } from './compress.ts';
import type { StreamProcessor } from './stream-processors.ts';

export interface WalkingConfig {
  /** Where layers are unpacked and packed: in threads, for a process that is ours, or in child processes. */
  readonly place: (typeof PLACES)[number];
  readonly levels: CompressionLevels;
  readonly processors: readonly StreamProcessor[];
}

const PLACES = ['thread', 'process'] as const;

export const WALKING_DEFAULTS = { place: 'thread', gzip_level: 6, zstd_level: 3, stream_processors: {} };

type Table = Readonly<Record<string, unknown>>;

/**
 * Settings of `[plugins."io.containerd.differ.v1.walking"]`. `stream_processors` is a table of tables by id, each as
 * containerd's `[stream_processors.<id>]`: `accepts`, `returns`, `path`, `args`, `env`. A path that is a name is looked for
 * in PATH; see `locateProcessors`.
 *
 * @throws Fault `invalid_argument` naming the field.
 */
export function walkingConfig(table: Table): WalkingConfig {
  known(table, Object.keys(WALKING_DEFAULTS), '');
  const { stream_processors: processors = {} } = table;
  if (!isTable(processors)) throw wrong('stream_processors', 'expected a table');
  return {
    place: place(table),
    levels: { gzip: level(table, 'gzip_level', 0, 9), zstd: level(table, 'zstd_level', 1, 22) },
    processors: Object.entries(processors).map(([id, one]) => processorOf(id, one)),
  };
}

function processorOf(id: string, table: unknown): StreamProcessor {
  const field = `stream_processors.${JSON.stringify(id)}`;
  if (!isTable(table)) throw wrong(field, 'expected a table');
  known(table, ['accepts', 'returns', 'path', 'args', 'env'], `${field}.`);
  const { accepts, returns, path, args = [], env = [] } = table;
  if (!isTexts(accepts) || accepts.length === 0)
    throw wrong(`${field}.accepts`, 'expected a list of media types');
  if (typeof returns !== 'string' || returns === '') throw wrong(`${field}.returns`, 'expected a media type');
  if (typeof path !== 'string' || path === '' || (path.includes('/') && !isAbsolute(path)))
    throw wrong(`${field}.path`, 'expected an absolute path or the name of a program');
  if (!isTexts(args)) throw wrong(`${field}.args`, 'expected a list of strings');
  return { id, accepts, returns, path, args, env: environment(env, `${field}.env`) };
}

function environment(lines: unknown, field: string): Record<string, string> {
  if (!isTexts(lines)) throw wrong(field, 'expected a list of strings such as "KEY=value"');
  const env: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const equals = line.indexOf('=');
    if (equals <= 0) throw wrong(field, `${JSON.stringify(line)} is not of the form KEY=value`);
    env[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return env;
}

function place({ place = WALKING_DEFAULTS.place }: Table): WalkingConfig['place'] {
  const known = PLACES.find((one) => one === place);
  if (known === undefined)
    throw wrong('place', `expected one of ${PLACES.map((one) => `"${one}"`).join(', ')}`);
  return known;
}

function level(table: Table, key: 'gzip_level' | 'zstd_level', least: number, most: number): number {
  const { [key]: value = WALKING_DEFAULTS[key] } = table;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw wrong(key, `expected a whole number from ${least} to ${most}`);
  }
  return value;
}

function known(table: Table, keys: readonly string[], prefix: string): void {
  const other = Object.keys(table).find((key) => !keys.includes(key));
  if (other !== undefined) throw wrong(`${prefix}${other}`, `unknown key, expected ${keys.join(', ')}`);
}

const wrong = (field: string, why: string): Fault => new Fault('invalid_argument', `${field}: ${why}`);

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');
