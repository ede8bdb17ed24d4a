import { isAbsolute } from 'node:path';
import { Fault } from '@stowage/core';

export type Table = Readonly<Record<string, unknown>>;

/** What is wrong with one key. */
export interface Problem {
  /** The key and the tables that it is in. */
  readonly keys: readonly string[];
  readonly reason: string;
}

/**
 * Takes keys out of one TOML table, each checked, and refuses what is left over. A message names the file, the
 * key in full, and what was expected.
 *
 * @param report - Told of what is wrong instead of its being thrown; the key counts as absent then.
 */
export class TableReader {
  readonly #left: Map<string, unknown>;
  readonly #file: string;
  readonly #keys: readonly string[];
  readonly #report: ((problem: Problem) => void) | undefined;

  constructor(table: Table, file: string, keys: readonly string[] = [], report?: (problem: Problem) => void) {
    this.#left = new Map(Object.entries(table));
    this.#file = file;
    this.#keys = keys;
    this.#report = report;
  }

  has(key: string): boolean {
    return this.#left.has(key);
  }

  /** Those that were not taken. */
  keys(): readonly string[] {
    return [...this.#left.keys()];
  }

  string(key: string): string | undefined {
    return this.#take(key, 'a string', (v) => (typeof v === 'string' ? v : undefined));
  }

  /** A path that does not depend on where the daemon was started. Empty is as good as absent. */
  absolute(key: string): string | undefined {
    if (this.#left.get(key) === '') this.#left.delete(key);
    return this.#take(key, 'an absolute path', (v) =>
      typeof v === 'string' && isAbsolute(v) ? v : undefined,
    );
  }

  /** The path of a unix socket, which may be written as `unix://`. Empty is as good as absent. */
  socket(key: string): string | undefined {
    if (this.#left.get(key) === '') this.#left.delete(key);
    return this.#take(key, 'the absolute path of a unix socket', (v) => {
      const path = typeof v === 'string' ? v.replace(/^unix:\/\//, '') : '';
      return isAbsolute(path) ? path : undefined;
    });
  }

  integer(key: string): number | undefined {
    return this.#take(key, 'a whole number, 0 or more', (v) => {
      const n = typeof v === 'bigint' ? Number(v) : v;
      return typeof n === 'number' && Number.isSafeInteger(n) && n >= 0 ? n : undefined;
    });
  }

  strings(key: string): readonly string[] | undefined {
    return this.#take(key, 'a list of strings', (v) =>
      Array.isArray(v) && v.every((s) => typeof s === 'string') ? (v as string[]) : undefined,
    );
  }

  table(key: string): Table | undefined {
    return this.#take(key, 'a table', (v) => (isTable(v) ? v : undefined));
  }

  /** A table of strings. */
  stringMap(key: string): Readonly<Record<string, string>> | undefined {
    return this.#take(key, 'a table of strings', (v) =>
      isTable(v) && Object.values(v).every((s) => typeof s === 'string')
        ? (v as Record<string, string>)
        : undefined,
    );
  }

  /** Empty is as good as absent. */
  oneOf<const T extends string>(key: string, choices: readonly T[]): T | undefined {
    if (this.#left.get(key) === '') this.#left.delete(key);
    return this.#take(key, `one of ${choices.join(', ')}`, (v) => choices.find((c) => c === v));
  }

  /** Takes keys that mean something to containerd only; gives those that were there, each with the tables that it is in. */
  ignore(...keys: string[]): Array<readonly string[]> {
    return keys.filter((key) => this.#left.delete(key)).map((key) => [...this.#keys, key]);
  }

  /** @throws Fault `invalid_argument` if a key was not taken. */
  end(expected: string): void {
    for (const key of this.#left.keys()) this.refuse(key, `unknown key; expected ${expected}`);
  }

  /** Reports, or throws Fault `invalid_argument`. */
  refuse(key: string, reason: string): void {
    if (this.#report === undefined) throw this.fault(key, reason);
    this.#report({ keys: [...this.#keys, key], reason });
  }

  fault(key: string, reason: string): Fault {
    return new Fault('invalid_argument', `${this.#file}: ${this.#name(key)}: ${reason}`);
  }

  #take<T>(key: string, expected: string, check: (value: unknown) => T | undefined): T | undefined {
    if (!this.#left.has(key)) return undefined;
    const value = this.#left.get(key);
    this.#left.delete(key);
    const good = check(value);
    if (good === undefined) this.refuse(key, `expected ${expected}, got ${JSON.stringify(value, plain)}`);
    return good;
  }

  #name(key: string): string {
    return nameOfKeys([...this.#keys, key]);
  }
}

/** A key in full, as it would stand in a file. */
export function nameOfKeys(keys: readonly string[]): string {
  return keys.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : `"${key}"`)).join('.');
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);
