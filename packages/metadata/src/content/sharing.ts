import { fromBinary } from '@bufbuild/protobuf';
import { InfoSchema } from '@stowage/api/content/v1';
import { NamespaceSchema } from '@stowage/api/namespaces/v1';
import type { BlobInfo, ContentStore, WriterOptions } from '@stowage/content';
import { type Digest, Fault, LABEL } from '@stowage/core';
import { blobLock, NAMESPACES, objectKey, rangeOf } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { blobOf } from './records.ts';

/**
 * Whether a namespace gets a blob that another one brought without sending its bytes. `shared`: yes. `isolated`: only if
 * that other one bears the label `containerd.io/namespace.shareable=true`; otherwise whoever wants a blob proves by its
 * bytes that it has them, and learns of nobody else's. The bytes are kept once in both cases.
 *
 * @see containerd core/metadata/content.go, isSharedContent
 */
export type ContentSharing = 'shared' | 'isolated';

/** A blob that needs no bytes, and what keeps it in the backend meanwhile. */
export interface SharedBlob {
  readonly blob: BlobInfo;
  readonly pin: Disposable;
}

/** Looks for the expected blob where it may be shared from, and keeps it there until released. */
export async function pinShared(
  ledger: Ledger,
  backend: ContentStore,
  sharing: ContentSharing,
  { expected, total = 0n, signal }: WriterOptions,
): Promise<SharedBlob | undefined> {
  if (expected === undefined) return undefined;
  const pin = await ledger.locks.acquire({ shared: [blobLock(expected)] }, signal);
  try {
    const blob = await sharedBlob(ledger, backend, sharing, expected, signal);
    if (blob !== undefined && (total === 0n || total === blob.sizeBytes)) return { blob, pin };
  } catch (e) {
    pin[Symbol.dispose]();
    throw e;
  }
  pin[Symbol.dispose]();
  return undefined;
}

async function sharedBlob(
  ledger: Ledger,
  backend: ContentStore,
  sharing: ContentSharing,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<BlobInfo | undefined> {
  const record = await sharedRecord(ledger, sharing, digest);
  // Bytes that nobody has a record of any more are not collected yet.
  if (record === undefined && sharing === 'isolated') return undefined;
  try {
    const blob = await backend.info(digest, { signal });
    return record === undefined || record.sizeBytes === blob.sizeBytes ? blob : undefined;
  } catch (e) {
    if (Fault.is(e, 'not_found') || Fault.is(e, 'data_loss')) return undefined;
    throw e;
  }
}

/** The record of a namespace that lets others have the blob. */
async function sharedRecord(
  { db }: Ledger,
  sharing: ContentSharing,
  digest: Digest,
): Promise<BlobInfo | undefined> {
  for await (const [key, { payload }] of db.entries(rangeOf(NAMESPACES))) {
    const { labels } = fromBinary(NamespaceSchema, payload);
    if (sharing === 'isolated' && labels[LABEL.shareable] !== 'true') continue;
    const sealed = await db.get(objectKey(key.slice(NAMESPACES.length), 'content', digest));
    if (sealed !== undefined) return blobOf(fromBinary(InfoSchema, sealed.payload));
  }
  return undefined;
}
