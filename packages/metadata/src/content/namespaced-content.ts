import { fromBinary } from '@bufbuild/protobuf';
import { InfoSchema, StatusSchema } from '@stowage/api/content/v1';
import { ContentDeleteSchema } from '@stowage/api/events';
import { type BlobInfo, type ContentStore, DAMAGED_LABEL, verifierOf } from '@stowage/content';
import {
  compileFilters,
  type Digest,
  Fault,
  maskedLabels,
  quote,
  type Scope,
  splitMaskPath,
  unknownMaskPath,
  unlessGone,
  validateLabels,
} from '@stowage/core';
import { objectKey, parseKey, rangeOf, tablePrefix } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { lookedAt } from '../scope.ts';
import { damageOf, dataLoss } from './damage.ts';
import { dropBlob, dropIngest, freeIngest } from './drop.ts';
import { openWriter } from './open-writer.ts';
import { readRecorded } from './read.ts';
import { blobFields, blobNotFound, blobOf, blobRecord } from './records.ts';
import type { ContentSharing } from './sharing.ts';

/**
 * The blobs of one scope, over a store that all share. A blob is here once it was committed here; its bytes are kept
 * once, and go when no namespace has it.
 *
 * A record whose bytes are missing, or are not what they were, is never `not_found`: it is `data_loss`, which names the
 * way out. A writer of such a blob opens, and its commit repairs it for all namespaces; labels stay.
 */
export function namespacedContent(
  ledger: Ledger,
  scope: Scope,
  backend: ContentStore,
  sharing: ContentSharing,
): ContentStore {
  const { namespace } = scope;
  const blobKey = (digest: Digest) => objectKey(namespace, 'content', digest);
  const ingestKey = (ref: string) => objectKey(namespace, 'ingests', ref);

  async function ingestRef(ref: string, signal: AbortSignal | undefined): Promise<string> {
    signal?.throwIfAborted();
    lookedAt(ledger, scope, ingestKey(ref));
    const sealed = await ledger.db.get(ingestKey(ref));
    if (sealed === undefined) throw new Fault('not_found', `ingest ${quote(ref)}: not found`);
    return sealed.backend;
  }

  async function recordOf(digest: Digest, signal: AbortSignal | undefined): Promise<BlobInfo> {
    signal?.throwIfAborted();
    lookedAt(ledger, scope, blobKey(digest));
    const sealed = await ledger.db.get(blobKey(digest));
    if (sealed === undefined) throw blobNotFound(digest);
    return blobOf(fromBinary(InfoSchema, sealed.payload));
  }

  /** Of blobs that are known to be damaged, why. */
  async function damages(signal: AbortSignal | undefined): Promise<ReadonlyMap<Digest, string>> {
    const known = new Map<Digest, string>();
    for await (const { digest, reason } of verifierOf(backend)?.damaged({ signal }) ?? [])
      known.set(digest, reason);
    return known;
  }

  return {
    async info(digest, options = {}) {
      const blob = await recordOf(digest, options.signal);
      const damage = await damageOf(backend, blob, options);
      if (damage !== undefined) throw dataLoss(digest, damage);
      return blob;
    },

    async update(digest, labels, paths = [], { signal } = {}) {
      const key = blobKey(digest);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const stored = await tx.get(InfoSchema, key);
          if (stored === undefined) throw blobNotFound(digest);
          const current = blobOf(stored.message);
          let next = paths.length === 0 ? labels : current.labels;
          for (const path of paths) {
            const { field, key: label } = splitMaskPath(path);
            if (field !== 'labels') throw unknownMaskPath(path, `content ${digest}`);
            next = maskedLabels(next, labels, label);
          }
          validateLabels(next);
          const record = blobRecord({ ...current, labels: next, updatedAt: ledger.now() });
          tx.put(InfoSchema, key, record);
          return blobOf(record);
        },
        { signal },
      );
    },

    async *list(filters = [], { signal } = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      const known = await damages(signal);
      for await (const [, { payload }] of ledger.db.entries(rangeOf(tablePrefix(namespace, 'content')))) {
        signal?.throwIfAborted();
        let blob = blobOf(fromBinary(InfoSchema, payload));
        const damage = known.get(blob.digest);
        if (damage !== undefined) blob = { ...blob, labels: { ...blob.labels, [DAMAGED_LABEL]: damage } };
        if (matches(blobFields(blob))) yield blob;
      }
    },

    async delete(digest, { signal } = {}) {
      const key = blobKey(digest);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          if (!(await tx.has(key))) throw blobNotFound(digest);
          dropBlob(tx, scope, digest);
          tx.emit(namespace, '/content/delete', ContentDeleteSchema, { digest });
        },
        { signal },
      );
    },

    async *read(digest, range = {}, options = {}) {
      yield* readRecorded(backend, await recordOf(digest, options.signal), range, options);
    },

    async status(ref, options = {}) {
      return { ...(await backend.status(await ingestRef(ref, options.signal), options)), ref };
    },

    async *statuses(filters = [], options = {}) {
      options.signal?.throwIfAborted();
      const matches = compileFilters(filters);
      for await (const [key, { backend: name }] of ledger.db.entries(
        rangeOf(tablePrefix(namespace, 'ingests')),
      )) {
        const ref = parseKey(key)?.name ?? '';
        if (!matches((path) => (path[0] === 'ref' ? ref : undefined))) continue;
        // There may be nothing: the record was made, but nobody wrote.
        const status = await unlessGone(backend.status(name, { signal: options.signal }));
        if (status !== undefined) yield { ...status, ref };
      }
    },

    writer: (options) => openWriter(ledger, scope, backend, sharing, options),

    async abort(ref, { signal } = {}) {
      const key = ingestKey(ref);
      const name = await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const stored = await tx.get(StatusSchema, key);
          if (stored === undefined) throw new Fault('not_found', `ingest ${quote(ref)}: not found`);
          dropIngest(tx, scope, ref, stored.backend);
          return stored.backend;
        },
        { signal },
      );
      ledger.openIngests.get(key)?.onAborted();
      await freeIngest(ledger, backend, name, { signal });
    },
  };
}
