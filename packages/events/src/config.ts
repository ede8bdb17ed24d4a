import { Fault, quote } from '@stowage/core';
import type { ExchangeOptions } from './exchange.ts';

export const EXCHANGE_DEFAULTS = {
  max_history_events: 10_000,
  max_history_bytes: 8 * 1024 * 1024,
};

/** @throws Fault `invalid_argument` naming the key. */
export function exchangeConfig(table: Readonly<Record<string, unknown>>): ExchangeOptions {
  const other = Object.keys(table).find((key) => !Object.hasOwn(EXCHANGE_DEFAULTS, key));
  if (other !== undefined) {
    const known = Object.keys(EXCHANGE_DEFAULTS).join(', ');
    throw new Fault('invalid_argument', `${quote(other)}: unknown key, expected ${known}`);
  }
  return {
    maxHistoryEvents: number(table, 'max_history_events'),
    maxHistoryBytes: number(table, 'max_history_bytes'),
  };
}

function number(table: Readonly<Record<string, unknown>>, key: keyof typeof EXCHANGE_DEFAULTS): number {
  const { [key]: value = EXCHANGE_DEFAULTS[key] } = table;
  const count = typeof value === 'bigint' ? Number(value) : value;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0)
    throw new Fault('invalid_argument', `${quote(key)}: expected a whole number; 0 keeps nothing`);
  return count;
}
