import { parse } from 'smol-toml';
import { isTable, type Table } from '../reader.ts';

/** A file of the config, as it was read. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** A place in a file. Lines count from 1. */
export interface Place {
  readonly path: string;
  readonly line: number;
}

/**
 * Finds where a key is set, in the file that counts: the last one. TOML's parser tells no places of what is right, so it
 * is asked how much of the file it takes until the key is there.
 *
 * @param sources - in the order in which they were read.
 */
export function locate(sources: readonly Source[], keys: readonly string[]): Place | undefined {
  for (const { path, text } of sources.toReversed()) {
    const line = lineOf(text, keys);
    if (line !== undefined) return { path, line };
  }
  return undefined;
}

function lineOf(text: string, keys: readonly string[]): number | undefined {
  if (!has(parsed(text), keys)) return undefined;
  const lines = text.split('\n');
  // The lines after the last one up to which the file is whole may be one value.
  let whole = 0;
  for (let count = 1; count <= lines.length; count += 1) {
    const table = parsed(lines.slice(0, count).join('\n'));
    if (table === undefined) continue;
    if (has(table, keys)) return firstOf(lines, whole);
    whole = count;
  }
  return undefined;
}

/** The first of some lines that says anything, from 1 on. */
function firstOf(lines: readonly string[], whole: number): number {
  const skipped = lines.slice(whole).findIndex((line) => !/^\s*(#.*)?$/.test(line));
  return whole + 1 + Math.max(skipped, 0);
}

function parsed(text: string): Table | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function has(table: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return table !== undefined;
  return isTable(table) && Object.hasOwn(table, key) && has(table[key], rest);
}
