import { Fault, type TypedBytes } from '@stowage/core';

/** What clients attach to an object under names of their choice. */
export type Extensions = Readonly<Record<string, TypedBytes>>;

/** Applies the paths `extensions` and `extensions.<name>`; a name without value is deleted. */
export function maskedExtensions(
  current: Extensions,
  next: Extensions,
  name: string | undefined,
): Extensions {
  if (name === undefined) return next;
  const merged: Record<string, TypedBytes> = Object.assign(Object.create(null), current);
  const value = Object.hasOwn(next, name) ? next[name] : undefined;
  if (value === undefined) delete merged[name];
  else merged[name] = value;
  return merged;
}

/** @throws Fault `invalid_argument` for an extension without a name. */
export function validateExtensions(extensions: Extensions, of: string): void {
  if (Object.hasOwn(extensions, ''))
    throw new Fault('invalid_argument', `${of}: an extension must have a name`);
}
