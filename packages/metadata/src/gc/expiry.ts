import { LABEL, type Labels, type Logger } from '@stowage/core';
import { labelExpiry } from '@stowage/gc';
import type { ParsedKey } from '../database/keys.ts';

/** When a lease or an image expires; a label that is no time is logged, and means never. */
export function expiryOf(
  log: Logger,
  { namespace, table, name }: ParsedKey,
  labels: Labels,
): Date | undefined {
  if (table !== 'leases' && table !== 'images') return undefined;
  const value = labels[LABEL.gcExpire];
  if (value === undefined) return undefined;
  const expiry = labelExpiry(labels);
  if (expiry === undefined)
    log.info(
      { namespace, [table === 'leases' ? 'lease' : 'image']: name, value },
      'an expiry is no time, so it never comes',
    );
  return expiry;
}

export function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
