import { create } from '@bufbuild/protobuf';
import { InfoSchema, StatusSchema } from '@stowage/api/content/v1';
import type { ContentStore, ContentWriter, WriterOptions } from '@stowage/content';
import { algorithmOf, type CallOptions, Fault, quote, type Scope } from '@stowage/core';
import { timestampOf } from '@stowage/rpc';
import { objectKey } from '../database/keys.ts';
import type { Claim, Ledger } from '../ledger/ledger.ts';
import { ensureNamespace, hold, makingLocks } from '../scope.ts';
import { damageOf } from './damage.ts';
import { NamespacedWriter, type Opened, release } from './namespaced-writer.ts';
import { blobExists, blobOf } from './records.ts';
import { type ContentSharing, pinShared } from './sharing.ts';

/**
 * Opens the writer of a ref in one scope.
 *
 * A blob that another namespace brought may need no bytes (see {@link ContentSharing}): the writer then stands at its
 * end, and commit makes the blob visible here.
 */
export async function openWriter(
  ledger: Ledger,
  scope: Scope,
  backend: ContentStore,
  sharing: ContentSharing,
  options: WriterOptions,
): Promise<ContentWriter> {
  const { ref, signal } = options;
  if (ref === '') throw new Fault('invalid_argument', 'ingest ref must not be empty');
  const key = objectKey(scope.namespace, 'ingests', ref);
  const shared = await pinShared(ledger, backend, sharing, options);
  try {
    const claim: Claim = { onAborted: () => undefined };
    const { name, isResumed } = await begin(ledger, scope, backend, options, key, claim);
    const reopen = ({ signal }: CallOptions) => backendWriter(backend, name, { ...options, signal });
    const opened: Opened = { ledger, scope, backend, options, key, name, isResumed, claim, reopen, shared };
    try {
      return new NamespacedWriter(opened, shared === undefined ? await reopen({ signal }) : undefined);
    } catch (e) {
      release(ledger, key, claim);
      throw e;
    }
  } catch (e) {
    shared?.pin[Symbol.dispose]();
    throw e;
  }
}

/**
 * The backend is not told which digest is expected: it may have the blob for another namespace only. It has to know
 * the hash function, if that is not the usual one.
 */
async function backendWriter(
  backend: ContentStore,
  ref: string,
  { expected, total, signal }: WriterOptions,
): Promise<ContentWriter> {
  if (expected === undefined || algorithmOf(expected) === 'sha256')
    return backend.writer({ ref, total, signal });
  try {
    return await backend.writer({ ref, total, expected, signal });
  } catch (e) {
    if (!Fault.is(e, 'already_exists')) throw e;
    return backend.writer({ ref, total, signal });
  }
}

/** Writes the record of the ingest, before the backend hears of it. */
async function begin(
  ledger: Ledger,
  scope: Scope,
  backend: ContentStore,
  { ref, expected, signal }: WriterOptions,
  key: string,
  claim: Claim,
): Promise<Pick<Opened, 'name' | 'isResumed'>> {
  const { namespace } = scope;
  const blob = expected === undefined ? [] : [objectKey(namespace, 'content', expected)];
  let name = '';
  let isResumed = false;
  await ledger
    .mutate(
      makingLocks(scope, [key], blob),
      async (tx) => {
        if (expected !== undefined) {
          const stored = await tx.get(InfoSchema, objectKey(namespace, 'content', expected));
          const blob = stored && blobOf(stored.message);
          if (blob !== undefined && (await damageOf(backend, blob, { signal })) === undefined) {
            await hold(tx, scope, 'content', expected);
            tx.refuse(blobExists(expected));
            return;
          }
        }
        if (ledger.openIngests.has(key))
          throw new Fault('unavailable', `ingest ${quote(ref)}: locked for another writer; try again later`);
        await ensureNamespace(tx, namespace);
        const leased = await hold(tx, scope, 'ingests', ref);
        const stored = await tx.get(StatusSchema, key);
        name = stored?.backend ?? '';
        isResumed = stored !== undefined;
        const now = timestampOf(ledger.now());
        // An ingest that no lease holds goes a day after it was last opened; only then is updatedAt set.
        const record = create(StatusSchema, {
          ref,
          startedAt: stored?.message.startedAt ?? now,
          expected: expected ?? '',
          ...(!leased && { updatedAt: now }),
        });
        tx.put(StatusSchema, key, record, isResumed ? name : (seq) => (name = `${namespace}/${seq}/${ref}`));
        ledger.openIngests.set(key, claim);
      },
      { signal },
    )
    .catch((e: unknown) => {
      release(ledger, key, claim);
      throw e;
    });
  return { name, isResumed };
}
