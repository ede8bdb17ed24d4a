import { malformed } from './malformed.ts';

/**
 * A number field of a header: octal text, or GNU's base-256 where the first bit is set (two's complement, big endian).
 *
 * @throws Fault `invalid_argument` for anything else, and for what a double cannot hold exactly.
 */
export function headerNumber(field: Uint8Array, what: string): number {
  const first = field[0] ?? 0;
  return (first & 0x80) === 0 ? octal(field, what) : base256(field, what);
}

/** Whatever stands behind a NUL is left alone, as Go and GNU tar leave it: some writers do not clear their buffers. */
function octal(field: Uint8Array, what: string): number {
  let start = 0;
  while (start < field.length && isPadding(field[start])) start++;
  const nul = field.indexOf(0, start);
  let end = nul < 0 ? field.length : nul;
  while (end > start && isPadding(field[end - 1])) end--;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (field[i] as number) - 0x30;
    if (digit < 0 || digit > 7) throw malformed(`${what} is not a number`);
    value = value * 8 + digit;
  }
  return safe(value, what);
}

const isPadding = (byte: number | undefined): boolean => byte === 0x20 || byte === 0;

function base256(field: Uint8Array, what: string): number {
  const isNegative = ((field[0] as number) & 0x40) !== 0;
  let value = 0n;
  for (const [i, byte] of field.entries()) {
    const bits = i === 0 ? byte & 0x7f : byte;
    value = (value << 8n) | BigInt(isNegative ? bits ^ (i === 0 ? 0x7f : 0xff) : bits);
  }
  return safe(Number(isNegative ? -value - 1n : value), what);
}

/** A whole number of a PAX record: decimal. */
export function paxNumber(text: string, what: string): number {
  if (!/^-?\d{1,20}$/.test(text))
    throw malformed(`PAX ${what} ${JSON.stringify(text.slice(0, 40))} is not a number`);
  return safe(Number(text), what);
}

/** A time of a PAX record, such as `1350244992.023960108`, in nanoseconds; digits beyond those are cut off. */
export function paxTime(text: string, what: string): bigint {
  const [, sign, seconds, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text) ?? [];
  if (seconds === undefined)
    throw malformed(`PAX ${what} ${JSON.stringify(text.slice(0, 40))} is not a time`);
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}

function safe(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw malformed(`${what} is out of range`);
  return value;
}
