import { Fault, quote } from '@stowage/core';
import type { LocalOperationsOptions } from './local/index.ts';

export const OPERATIONS_DEFAULTS = {
  max_ended: 200,
};

/** @throws Fault `invalid_argument` naming the key. */
export function operationsConfig(table: Readonly<Record<string, unknown>>): LocalOperationsOptions {
  const { max_ended: maxEnded = OPERATIONS_DEFAULTS.max_ended, ...others } = table;
  const [key] = Object.keys(others);
  if (key !== undefined)
    throw new Fault('invalid_argument', `${quote(key)}: unknown key, expected max_ended`);
  const count = typeof maxEnded === 'bigint' ? Number(maxEnded) : maxEnded;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0 || count > 100_000)
    throw new Fault('invalid_argument', '"max_ended": expected a whole number from 0 to 100000');
  return { maxEnded: count };
}
