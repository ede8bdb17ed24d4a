import { Fault, quote } from '@stowage/core';

/** @throws Fault `invalid_argument` unless it is a whole number within the bounds. */
export function whole(
  what: string,
  value: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new Fault('invalid_argument', `${what} ${value} must be a whole number ${bounds}`);
}

/** @throws Fault `invalid_argument` unless it is an absolute path without `..` and NUL. */
export function absolutePath(what: string, path: string): void {
  if (path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..')) return;
  throw new Fault('invalid_argument', `${what} ${quote(path)} must be an absolute path without ..`);
}
