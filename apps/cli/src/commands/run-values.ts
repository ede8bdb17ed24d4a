import { InvalidArgumentError, Option } from 'commander';
import { gather } from '../gather.ts';

/** An option that may stand any number of times. */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser(gather).default([], 'none');
}

export function parseBytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([kmgt]?)b?$/i.exec(text) ?? [];
  if (digits === undefined || Number(digits) === 0)
    throw new InvalidArgumentError('expected a number with k, m, g or t, such as 256m');
  return Number(digits) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' ');
}

/** Bytes, or -1 for no limit. */
export function parseSwap(text: string): number {
  return text === '-1' ? -1 : parseBytes(text);
}

export function parsePositive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('expected a number above 0');
  return value;
}

export function parseWhole(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}
