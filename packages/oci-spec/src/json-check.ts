import { Fault, quote } from '@stowage/core';
import { absolutePath, whole } from './check.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** @throws Fault `invalid_argument` that begins with `at`, for a value that is not as it should be. */
export type Check = (value: unknown, at: string) => void;

/** An object with these fields and no others, each of them optional. `at` is empty for a whole document. */
export function fields(value: unknown, at: string, known: Readonly<Record<string, Check>>): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(at, 'it is no object');
  for (const [key, found] of Object.entries(value)) {
    const check = Object.hasOwn(known, key) ? known[key] : undefined;
    if (check === undefined) throw bad(at, `field ${quote(key)} is not supported`);
    check(found, at === '' ? key : `${at}.${key}`);
  }
  return value as Fields;
}

export function need(found: Fields, at: string, ...keys: readonly string[]): void {
  for (const key of keys) if (found[key] === undefined) throw bad(at, `it has no ${key}`);
}

export function each(check: Check): Check {
  return (value, at) => {
    for (const [i, item] of list(value, at).entries()) check(item, `${at}[${i}]`);
  };
}

export function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw bad(at, 'it is no list');
}

export function oneOf(...names: readonly string[]): Check {
  return (value, at) => {
    if (!names.includes(value as string))
      throw bad(at, `${quote(String(value))} is none of ${names.join(', ')}`);
  };
}

export const anything: Check = () => undefined;
export const text: Check = (value, at) => {
  if (typeof value !== 'string') throw bad(at, 'it is no text');
};
export const number: Check = (value, at) => {
  if (typeof value !== 'number') throw bad(at, 'it is no number');
  whole(at, value, 0);
};
export const absolute: Check = (value, at) => {
  text(value, at);
  absolutePath(at, String(value));
};

export function bad(at: string, reason: string): Fault {
  return new Fault('invalid_argument', `${at}: ${reason}`);
}
