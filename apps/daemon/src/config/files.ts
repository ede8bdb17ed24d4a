import { glob, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf, Fault, reasonOf } from '@stowage/core';
import { parse, type TomlError } from 'smol-toml';
import type { Source } from './check/locate.ts';
import { isTable, type Table, TableReader } from './reader.ts';

/**
 * Reads a config file and the files it imports, and merges them: later files win, tables are merged key by key,
 * `disabled_plugins`, `required_plugins` and `packages` add up.
 *
 * @param explicit - whether somebody named the file; if not, its absence means an empty one.
 * @param onRead - told of each file.
 * @throws Fault `not_found`; `invalid_argument` naming file, line and reason.
 */
export async function readConfigFiles(
  path: string,
  explicit: boolean,
  onRead: (source: Source) => void = () => {},
): Promise<Table> {
  return readInto({}, resolve(path), { explicit, onRead }, new Set());
}

interface ReadOptions {
  readonly explicit: boolean;
  readonly onRead: (source: Source) => void;
}

async function readInto(into: Table, path: string, options: ReadOptions, seen: Set<string>): Promise<Table> {
  if (seen.has(path)) return into;
  seen.add(path);
  const table = await readOne(path, options);
  if (table === undefined) return into;
  const imports = new TableReader(table, path).strings('imports') ?? [];
  let merged = merge(into, table);
  for (const pattern of imports) {
    for (const file of await filesOf(dirname(path), pattern))
      merged = await readInto(merged, file, { ...options, explicit: true }, seen);
  }
  return merged;
}

/** One that a pattern matches nothing of is fine, one that is named must be there. */
async function filesOf(directory: string, pattern: string): Promise<string[]> {
  if (!/[*?[{]/.test(pattern)) return [resolve(directory, pattern)];
  const found = await Array.fromAsync(glob(pattern, { cwd: directory }));
  return found.map((file) => resolve(directory, file)).sort();
}

async function readOne(path: string, { explicit, onRead }: ReadOptions): Promise<Table | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' && !explicit) return undefined;
    const kind = errnoOf(e) === 'ENOENT' ? 'not_found' : 'invalid_argument';
    throw new Fault(kind, `${path}: cannot read the config file: ${reasonOf(e)}`, { cause: e });
  }
  onRead({ path, text });
  try {
    return parse(text);
  } catch (e) {
    const { line } = e as Partial<TomlError>;
    const where = line === undefined ? path : `${path}:${line}`;
    throw new Fault('invalid_argument', `${where}: ${reasonOf(e)}`, { cause: e });
  }
}

const ADDING = new Set(['disabled_plugins', 'required_plugins', 'packages']);

function merge(a: Table, b: Table): Table {
  const merged: Record<string, unknown> = Object.assign(Object.create(null), a);
  for (const [key, value] of Object.entries(b)) {
    const before = merged[key];
    if (isTable(before) && isTable(value)) merged[key] = merge(before, value);
    else if (ADDING.has(key) && Array.isArray(before) && Array.isArray(value))
      merged[key] = [...before, ...value];
    else merged[key] = value;
  }
  return merged;
}
