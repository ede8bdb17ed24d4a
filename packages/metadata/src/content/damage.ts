import type { BlobInfo, ContentStore, Wholeness } from '@stowage/content';
import { type CallOptions, type Digest, Fault, reasonOf } from '@stowage/core';

/** Why a blob that a record names can't be served. */
export interface Damage {
  readonly state: Exclude<Wholeness, 'whole'>;
  readonly reason: string;
}

export const MISSING: Damage = { state: 'missing', reason: 'its bytes are gone from the store' };

/** What is wrong with the bytes of a blob, as far as can be told without reading them; undefined if nothing is. */
export async function damageOf(
  backend: ContentStore,
  { digest, sizeBytes }: BlobInfo,
  options: CallOptions,
): Promise<Damage | undefined> {
  try {
    const there = await backend.info(digest, options);
    return there.sizeBytes === sizeBytes ? undefined : wrongSize(there.sizeBytes, sizeBytes);
  } catch (e) {
    if (Fault.is(e, 'not_found')) return MISSING;
    if (Fault.is(e, 'data_loss')) return { state: 'corrupt', reason: reasonOf(e) };
    throw e;
  }
}

export function wrongSize(found: bigint, recorded: bigint): Damage {
  return { state: 'corrupt', reason: `it has ${found} bytes, of ${recorded} that were written` };
}

export function dataLoss(digest: Digest, { reason }: Damage, cause?: unknown): Fault {
  const message = reason.includes(digest) ? reason : `content ${digest}: ${reason}; ${REPAIR}`;
  return new Fault('data_loss', message, { cause });
}

const REPAIR = 'pull or write it again to repair it';
