import { fromBinary } from '@bufbuild/protobuf';
import { ContainerSchema } from '@stowage/api/containers/v1';
import { InfoSchema as BlobSchema, StatusSchema } from '@stowage/api/content/v1';
import { ImageSchema } from '@stowage/api/images/v1';
import { LeaseSchema } from '@stowage/api/leases/v1';
import { Kind, InfoSchema as SnapshotSchema } from '@stowage/api/snapshots/v1';
import { ActivationInfoSchema, SandboxSchema } from '@stowage/api/types';
import type { CallOptions } from '@stowage/core';
import { ingestExpiry, labelExpiry, type ObjectId, type ObjectName, objectName } from '@stowage/gc';
import type { Fact, LeftoverFact, ObjectFact, ResourceFact } from '@stowage/gc/inspect';
import { dateOf } from '@stowage/rpc';
import type { Sealed } from '../database/frame.ts';
import { listPrefix, namespacePrefix, OBJECTS, type ParsedKey, parseKey, rangeOf } from '../database/keys.ts';
import { isPlain } from '../gc/refs.ts';
import { hasNoBackend } from '../gc/sweep.ts';
import { type Garbage, jsonOf, type StoredIntent } from '../ledger/intent.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** What the database tells. First what is left over, so that what a run removes meanwhile is not told twice. */
export async function* factsIn(
  ledger: Ledger,
  namespace: string | undefined,
  options: CallOptions,
): AsyncGenerator<Fact> {
  if (namespace === undefined) yield* leftoversIn(ledger, options);
  yield* objectsIn(ledger, namespace, options);
}

/** What backends are to delete, as far as it has bytes: mounts have none. */
export async function* leftoversIn({ db }: Ledger, { signal }: CallOptions): AsyncGenerator<LeftoverFact> {
  for await (const [, { payload }] of db.entries(rangeOf(listPrefix('garbage')))) {
    signal?.throwIfAborted();
    const garbage = jsonOf<Garbage>(payload);
    if (garbage.kind !== 'mounts') yield leftoverOf(garbage);
  }
}

/** Objects, and what leases hold, all as it was at one moment. */
export async function* objectsIn(
  ledger: Ledger,
  namespace: string | undefined,
  { signal }: CallOptions,
): AsyncGenerator<ObjectFact | ResourceFact> {
  const changing = await changingIn(ledger);
  const range = namespace === undefined ? OBJECTS : rangeOf(namespacePrefix(namespace));
  for await (const [key, sealed] of ledger.db.entries(range)) {
    signal?.throwIfAborted();
    const parsed = parseKey(key);
    if (parsed === undefined) continue;
    if (parsed.table === 'resources') {
      const resource = resourceOf(parsed);
      const lease = { ...objectName('leases', parsed.lease), namespace: parsed.namespace };
      if (resource !== undefined) yield { fact: 'resource', lease, resource };
      continue;
    }
    const snapshotter = parsed.table === 'snapshots' ? parsed.snapshotter : '';
    const id = { ...objectName(parsed.table, parsed.name, snapshotter), namespace: parsed.namespace };
    const heldBy = holding(ledger, id, key) ?? (changing.has(key) ? 'change' : undefined);
    yield { fact: 'object', id, heldBy, ...recordOf(id, sealed) };
  }
}

function holding(
  { openIngests, backends }: Ledger,
  { kind, snapshotter }: ObjectId,
  key: string,
): ObjectFact['heldBy'] {
  if (openIngests.has(key)) return 'writer';
  return hasNoBackend(backends, kind, snapshotter) ? 'stuck' : undefined;
}

/** Keys that unfinished changes have to do with. */
async function changingIn({ db }: Ledger): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const [, { payload }] of db.entries(rangeOf(listPrefix('intent')))) {
    const { locks } = jsonOf<StoredIntent>(payload);
    for (const key of [...(locks.exclusive ?? []), ...(locks.shared ?? [])]) keys.add(key);
  }
  return keys;
}

function recordOf(
  { kind, name, snapshotter }: ObjectId,
  { payload, backend: handle }: Sealed,
): Pick<ObjectFact, 'labels' | 'names' | 'expiry' | 'sizeBytes' | 'isActive' | 'image' | 'handle'> {
  switch (kind) {
    case 'images': {
      const image = fromBinary(ImageSchema, payload);
      const { digest = '', mediaType = '' } = image.target ?? {};
      const names = { by: 'target', object: objectName('content', digest), mediaType } as const;
      return { labels: image.labels, expiry: labelExpiry(image.labels), ...(digest !== '' && { names }) };
    }
    case 'containers': {
      const { labels, image, ...rest } = fromBinary(ContainerSchema, payload);
      const object = objectName('snapshots', rest.snapshotKey, rest.snapshotter);
      const names = { by: 'snapshot', object } as const;
      return { labels, image, ...(rest.snapshotter !== '' && rest.snapshotKey !== '' && { names }) };
    }
    case 'sandboxes':
      return { labels: fromBinary(SandboxSchema, payload).labels };
    case 'leases': {
      const { labels } = fromBinary(LeaseSchema, payload);
      return { labels, expiry: labelExpiry(labels) };
    }
    case 'content': {
      const { labels, size } = fromBinary(BlobSchema, payload);
      return { labels, sizeBytes: size, handle: name };
    }
    case 'ingests': {
      const { expected, updatedAt } = fromBinary(StatusSchema, payload);
      const names = { by: 'expected', object: objectName('content', expected) } as const;
      const expiry = ingestExpiry(dateOf(updatedAt));
      return { labels: {}, expiry, handle, ...(expected !== '' && { names }) };
    }
    case 'mounts':
      return { labels: fromBinary(ActivationInfoSchema, payload).labels };
    case 'snapshots': {
      const { labels, parent, kind: stage } = fromBinary(SnapshotSchema, payload);
      const names = { by: 'parent', object: objectName('snapshots', parent, snapshotter) } as const;
      return { labels, handle, isActive: stage !== Kind.COMMITTED, ...(parent !== '' && { names }) };
    }
  }
}

function resourceOf({ type, name }: Extract<ParsedKey, { table: 'resources' }>): ObjectName | undefined {
  if (isPlain(type)) return objectName(type, name);
  const [kind, snapshotter = ''] = type.split('/');
  return kind === 'snapshots' ? objectName('snapshots', name, snapshotter) : undefined;
}

function leftoverOf(garbage: Exclude<Garbage, { kind: 'mounts' }>): LeftoverFact {
  switch (garbage.kind) {
    case 'blob':
      return { fact: 'leftover', kind: 'content', snapshotter: '', handle: garbage.digest };
    case 'ingest':
      return { fact: 'leftover', kind: 'ingests', snapshotter: '', handle: garbage.ref };
    case 'snapshot':
      return {
        fact: 'leftover',
        kind: 'snapshots',
        snapshotter: garbage.snapshotter,
        handle: garbage.key,
      };
  }
}
