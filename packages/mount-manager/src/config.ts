import { Fault, quote } from '@stowage/core';

export interface MountConfig {
  readonly roots: readonly string[];
}

export const MOUNT_DEFAULTS: Readonly<Record<string, unknown>> = { roots: [] };

/**
 * Reads `roots`: directories in which `mkdir/` and `mkfs/` may make something, besides an activation's own mounts.
 *
 * @throws Fault `invalid_argument` naming the key.
 */
export function parseMountConfig(table: Readonly<Record<string, unknown>>): MountConfig {
  for (const key of Object.keys(table))
    if (key !== 'roots') throw new Fault('invalid_argument', `${quote(key)}: unknown key; there is roots`);
  const roots = table.roots ?? [];
  if (!Array.isArray(roots) || !roots.every(isPlainPath))
    throw new Fault('invalid_argument', '"roots": expected absolute paths without . and .. in them');
  return { roots };
}

function isPlainPath(path: unknown): path is string {
  return typeof path === 'string' && /^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/.test(path);
}
