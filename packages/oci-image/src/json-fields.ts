import { Fault, type Labels, quote, reasonOf } from '@stowage/core';

/** A JSON object that somebody else wrote, read field by field; `null` counts as absent, as in Go. */
export class JsonFields {
  /** Names the document, and the place in it, for messages. */
  readonly what: string;
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #names: ReadonlySet<string>;

  constructor(what: string, value: unknown) {
    this.what = what;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.fault('no JSON object');
    this.#names = new Set(Object.keys(value).map((key) => key.toLowerCase()));
    // A map, because `__proto__` is a key like any other.
    this.#fields = new Map(Object.entries(value).filter(([, v]) => v !== null));
  }

  /** @throws Fault `invalid_argument` if it is too long, no UTF-8, no JSON or no object. */
  static parse(what: string, bytes: Uint8Array, maxBytes: number): JsonFields {
    return new JsonFields(what, parseJson(what, bytes, maxBytes));
  }

  fault(reason: string, cause?: unknown): Fault {
    return malformed(this.what, reason, cause);
  }

  /** Whether a field has this name in any case, be it `null`: Go's decoder does not tell `Layers` from `layers`. */
  hasAnyCase(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  string(name: string): string | undefined {
    return this.#typed(name, 'string', (v) => typeof v === 'string');
  }

  required(name: string): string {
    const value = this.string(name);
    if (value === undefined || value === '') throw this.fault(`${quote(name)} is missing`);
    return value;
  }

  /** A length in bytes. Numbers that a double can't hold exactly are refused. */
  size(name: string): bigint {
    const value = this.#typed<number>(name, 'whole number', Number.isSafeInteger);
    if (value === undefined || value < 0) throw this.fault(`${quote(name)} must be a length`);
    return BigInt(value);
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, 'boolean', (v) => typeof v === 'boolean');
  }

  object(name: string): JsonFields | undefined {
    const value = this.#fields.get(name);
    return value === undefined ? undefined : new JsonFields(`${this.what}, ${name}`, value);
  }

  strings(name: string): readonly string[] {
    const value = this.#typed<string[]>(
      name,
      'list of strings',
      (v) => Array.isArray(v) && v.every((item) => typeof item === 'string'),
    );
    return value ?? [];
  }

  objects(name: string, maxItems: number): JsonFields[] {
    const value = this.#typed<unknown[]>(name, 'list', Array.isArray) ?? [];
    if (value.length > maxItems) {
      throw this.fault(`${quote(name)} has ${value.length} items, the most is ${maxItems}`);
    }
    return value.map((item, i) => new JsonFields(`${this.what}, ${name}[${i}]`, item));
  }

  /** A map from string to string, without a prototype. */
  labels(name: string): Labels {
    const labels: Record<string, string> = Object.create(null);
    const value = this.object(name);
    if (value === undefined) return labels;
    for (const [key, item] of value.#fields) {
      if (typeof item !== 'string') throw value.fault(`${quote(key)} must be a string`);
      labels[key] = item;
    }
    return labels;
  }

  /** Names in a map whose values mean nothing. */
  keys(name: string): readonly string[] {
    const map = this.object(name);
    return map === undefined ? [] : [...map.#fields.keys()];
  }

  #typed<T>(name: string, expected: string, fits: (value: unknown) => boolean): T | undefined {
    const value = this.#fields.get(name);
    if (value !== undefined && !fits(value)) throw this.fault(`${quote(name)} must be a ${expected}`);
    return value as T | undefined;
  }
}

/** @throws Fault `invalid_argument` if it is too long, no UTF-8 or no JSON. */
export function parseJson(what: string, bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.byteLength > maxBytes)
    throw malformed(what, `${bytes.byteLength} bytes, the most is ${maxBytes}`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (e) {
    // The reason quotes the text, so it is as hostile as that.
    throw malformed(what, quote(reasonOf(e)), e);
  }
}

function malformed(what: string, reason: string, cause?: unknown): Fault {
  return new Fault('invalid_argument', `read ${what}: ${reason}`, cause === undefined ? {} : { cause });
}
