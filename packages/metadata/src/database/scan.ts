import { Fault } from '@stowage/core';
import { isIntact, unseal } from './frame.ts';
import { LOG_START_KEY, listPrefix, META_KEY, seqOf } from './keys.ts';

/** What of a level database is read to judge it. */
export interface RawStore {
  get(key: string): Promise<Uint8Array | undefined>;
  /** All there is, by key, as of one moment. */
  pages(): AsyncIterable<ReadonlyArray<readonly [key: string, value: Uint8Array]>>;
}

/** Something that is not as it was written. */
export type Damage =
  | { readonly kind: 'meta' }
  | { readonly kind: 'value'; readonly key: string }
  | { readonly kind: 'hole'; readonly first: bigint; readonly last: bigint };

export interface Scanned {
  /** Undefined if there is nothing in the database, or if that value is damaged. */
  readonly meta: { readonly uuid: string; readonly schema: number } | undefined;
  readonly isEmpty: boolean;
  /** Number of the last mutation in it. */
  readonly seq: bigint;
  /** Number with which its log begins. */
  readonly logStart: bigint;
}

export interface ScanListener {
  /** May throw, to end the scan. */
  damage(damage: Damage): void;
  entry?(key: string, value: Uint8Array): void;
}

/** Goes through all of a database: every value has its checksum, and the log has no hole. */
export async function scan(store: RawStore, listener: ScanListener): Promise<Scanned> {
  const [storedMeta, storedStart] = [await store.get(META_KEY), await store.get(LOG_START_KEY)];
  const meta = storedMeta && intact(META_KEY, storedMeta);
  const start = storedStart && intact(LOG_START_KEY, storedStart);
  const log = listPrefix('log');
  // Without its start, the log begins where it begins.
  let seq = storedStart === undefined ? 0n : start === undefined ? undefined : BigInt(start) - 1n;
  let logStart = seq === undefined ? undefined : seq + 1n;
  let isEmpty = true;
  for await (const page of store.pages()) {
    for (const [key, value] of page) {
      isEmpty = false;
      if (key.startsWith(log)) {
        const next = seqOf('log', key);
        if (seq !== undefined && next !== seq + 1n)
          listener.damage({ kind: 'hole', first: seq + 1n, last: next - 1n });
        logStart ??= next;
        seq = next;
      }
      if (!isIntact(key, value)) listener.damage({ kind: 'value', key });
      else listener.entry?.(key, value);
    }
  }
  if (!isEmpty && storedMeta === undefined) listener.damage({ kind: 'meta' });
  return {
    meta: meta === undefined ? undefined : (JSON.parse(meta) as { uuid: string; schema: number }),
    isEmpty,
    seq: seq ?? 0n,
    logStart: logStart ?? 1n,
  };
}

export function damageText(damage: Damage): string {
  switch (damage.kind) {
    case 'meta':
      return 'what says which database it is is missing';
    case 'value':
      return `the value of ${JSON.stringify(damage.key)} does not match its checksum`;
    case 'hole':
      return `mutations ${damage.first} to ${damage.last} are missing`;
  }
}

function intact(key: string, stored: Uint8Array): string | undefined {
  try {
    return Buffer.from(unseal(key, stored).payload).toString();
  } catch (e) {
    if (Fault.is(e, 'data_loss')) return undefined;
    throw e;
  }
}
