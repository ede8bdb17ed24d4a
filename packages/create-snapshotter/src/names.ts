import { Fault, quote, validateIdentifier } from '@stowage/core';

/** What the name that was asked for stands for in the new package. */
export interface Names {
  /** Of the npm package: `@acme/lazy-snapshotter`. */
  readonly npm: string;
  /** By which clients ask for the snapshotter, and the command's: `lazy-snapshotter`. */
  readonly id: string;
  /** In code: `LazySnapshotter`. */
  readonly pascal: string;
}

const SCOPE = /^@[a-z0-9][a-z0-9._-]*\//;

/** @throws Fault `invalid_argument` for what is no name of an npm package, or of no snapshotter. */
export function namesOf(name: string): Names {
  const id = name.replace(SCOPE, '');
  // npm takes more than this, but a daemon does not.
  if (!/^[a-z0-9]/.test(id) || id !== id.toLowerCase()) {
    throw new Fault(
      'invalid_argument',
      `name ${quote(name)}: must be small letters, digits, "-", "_" and ".", after a scope if there is one (@scope/name)`,
    );
  }
  validateIdentifier(id, 'name');
  const pascal = id
    .split(/[._-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
  return { npm: name, id, pascal };
}
