import { fromBinary } from '@bufbuild/protobuf';
import { InfoSchema } from '@stowage/api/content/v1';
import {
  type BlobCheck,
  type BlobInfo,
  type ContentStore,
  type ContentVerifier,
  verifierOf,
  verifyByReading,
} from '@stowage/content';
import { type CallOptions, type Digest, Fault, type Scope } from '@stowage/core';
import { objectKey, rangeOf, tablePrefix } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { MISSING, wrongSize } from './damage.ts';
import { blobNotFound, blobOf } from './records.ts';

/** Verifies the blobs of one namespace, each against its record as well. */
export function namespacedVerifier(ledger: Ledger, scope: Scope, backend: ContentStore): ContentVerifier {
  const { db } = ledger;
  const own = verifierOf(backend);
  const blobKey = (digest: Digest) => objectKey(scope.namespace, 'content', digest);

  async function recordOf(digest: Digest): Promise<BlobInfo | undefined> {
    const sealed = await db.get(blobKey(digest));
    return sealed && blobOf(fromBinary(InfoSchema, sealed.payload));
  }

  async function* verifyOne(record: BlobInfo, options: CallOptions): AsyncGenerator<BlobCheck> {
    const { digest, sizeBytes } = record;
    const checks =
      own === undefined ? verifyByReading(backend, [digest], options) : own.verify([digest], options);
    try {
      for await (const check of checks) {
        const wrong = check.state === 'whole' && check.checkedBytes !== sizeBytes;
        const damage = wrong ? wrongSize(check.checkedBytes, sizeBytes) : undefined;
        yield { ...check, sizeBytes, ...damage };
      }
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
      // Deleted meanwhile, the record went first.
      if (await db.has(blobKey(digest))) yield { digest, sizeBytes, checkedBytes: 0n, ...MISSING };
    }
  }

  return {
    async *verify(digests = [], options = {}) {
      options.signal?.throwIfAborted();
      for (const digest of digests) {
        const record = await recordOf(digest);
        if (record === undefined) throw blobNotFound(digest);
        yield* verifyOne(record, options);
      }
      if (digests.length > 0) return;
      for await (const [, { payload }] of db.entries(rangeOf(tablePrefix(scope.namespace, 'content'))))
        yield* verifyOne(blobOf(fromBinary(InfoSchema, payload)), options);
    },

    async *damaged(options = {}) {
      options.signal?.throwIfAborted();
      for await (const check of own?.damaged(options) ?? []) {
        const record = await recordOf(check.digest);
        if (record !== undefined) yield { ...check, sizeBytes: record.sizeBytes };
      }
    },
  };
}
