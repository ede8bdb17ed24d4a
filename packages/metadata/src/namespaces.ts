import { fromBinary } from '@bufbuild/protobuf';
import { NamespaceCreateSchema, NamespaceDeleteSchema, NamespaceUpdateSchema } from '@stowage/api/events';
import { NamespaceSchema } from '@stowage/api/namespaces/v1';
import {
  Fault,
  maskedLabels,
  quote,
  splitMaskPath,
  unknownMaskPath,
  validateIdentifier,
  validateLabels,
} from '@stowage/core';
import type { Namespace, NamespaceStore } from '@stowage/namespaces';
import { namespaceFromWire, namespaceToWire } from '@stowage/namespaces/convert';
import {
  NAMESPACES,
  namespaceKey,
  namespacePrefix,
  parseKey,
  rangeOf,
  snapshotPrefix,
  tablePrefix,
} from './database/keys.ts';
import type { Ledger } from './ledger/ledger.ts';

export function namespaceStore(ledger: Ledger): NamespaceStore {
  return {
    async get(name, { signal } = {}) {
      signal?.throwIfAborted();
      validateIdentifier(name, 'namespace');
      const sealed = await ledger.db.get(namespaceKey(name));
      return sealed === undefined
        ? { name, labels: {} }
        : namespaceFromWire(fromBinary(NamespaceSchema, sealed.payload));
    },

    async *list({ signal } = {}) {
      signal?.throwIfAborted();
      for await (const [, { payload }] of ledger.db.entries(rangeOf(NAMESPACES))) {
        signal?.throwIfAborted();
        yield namespaceFromWire(fromBinary(NamespaceSchema, payload));
      }
    },

    async create({ name, labels }, { signal } = {}) {
      validateIdentifier(name, 'namespace');
      const namespace = cleaned({ name, labels });
      const key = namespaceKey(name);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          if (await tx.has(key))
            throw new Fault('already_exists', `namespace ${quote(name)}: already exists`);
          tx.put(NamespaceSchema, key, namespaceToWire(namespace));
          tx.emit(name, '/namespaces/create', NamespaceCreateSchema, {
            name,
            labels: { ...namespace.labels },
          });
          return namespace;
        },
        { signal },
      );
    },

    async update({ name, labels }, paths = [], { signal } = {}) {
      validateIdentifier(name, 'namespace');
      const key = namespaceKey(name);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const stored = await tx.get(NamespaceSchema, key);
          let next = stored === undefined ? {} : namespaceFromWire(stored.message).labels;
          if (paths.length === 0) next = labels;
          for (const path of paths) {
            const { field, key: label } = splitMaskPath(path);
            if (field !== 'labels' || label === undefined)
              throw unknownMaskPath(path, `namespace ${quote(name)}`);
            next = maskedLabels(next, labels, label);
          }
          const namespace = cleaned({ name, labels: next });
          tx.put(NamespaceSchema, key, namespaceToWire(namespace));
          tx.emit(name, '/namespaces/update', NamespaceUpdateSchema, {
            name,
            labels: { ...namespace.labels },
          });
          return namespace;
        },
        { signal },
      );
    },

    async delete(name, { signal } = {}) {
      validateIdentifier(name, 'namespace');
      const key = namespaceKey(name);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          if (!(await tx.has(key))) throw notFound(name);
          const kinds = await kindsIn(ledger, name);
          if (kinds.length > 0) {
            const text = `namespace ${quote(name)}: must be empty, but it still has ${kinds.join(', ')}`;
            throw new Fault('failed_precondition', text);
          }
          // Leases that hold nothing any more, ingests that nobody finished, mounts that nobody undid.
          for await (const [left, { backend }] of ledger.db.entries(rangeOf(namespacePrefix(name)))) {
            tx.delete(left);
            const { table } = parseKey(left) ?? {};
            if (table === 'ingests') tx.discard({ kind: 'ingest', ref: backend });
            if (table === 'mounts') tx.discard({ kind: 'mounts', key: backend });
          }
          tx.delete(key);
          tx.emit(name, '/namespaces/delete', NamespaceDeleteSchema, { name });
        },
        { signal },
      );
    },
  };
}

/** What keeps a namespace from being deleted (containerd core/metadata/namespaces.go, listNs). */
async function kindsIn(ledger: Ledger, namespace: string): Promise<string[]> {
  const kinds: string[] = [];
  const holds = (prefix: string) => ledger.db.any(rangeOf(prefix));
  if (await holds(tablePrefix(namespace, 'images'))) kinds.push('images');
  if (await holds(tablePrefix(namespace, 'content'))) kinds.push('blobs');
  if (await holds(tablePrefix(namespace, 'containers'))) kinds.push('containers');
  if (await holds(tablePrefix(namespace, 'sandboxes'))) kinds.push('sandboxes');
  for await (const snapshotter of snapshottersIn(ledger, namespace))
    kinds.push(`snapshots on ${quote(snapshotter)} snapshotter`);
  return kinds;
}

/** Those that have snapshots in a namespace, whether or not they are here. */
async function* snapshottersIn(ledger: Ledger, namespace: string): AsyncGenerator<string> {
  let rest = rangeOf(`${namespacePrefix(namespace)}snapshots/`);
  for (;;) {
    const first = await firstKey(ledger, rest);
    const parsed = first === undefined ? undefined : parseKey(first);
    if (parsed?.table !== 'snapshots') return;
    yield parsed.snapshotter;
    rest = { gte: rangeOf(snapshotPrefix(namespace, parsed.snapshotter)).lt, lt: rest.lt };
  }
}

async function firstKey(ledger: Ledger, range: ReturnType<typeof rangeOf>): Promise<string | undefined> {
  for await (const [key] of ledger.db.entries(range)) return key;
  return undefined;
}

function cleaned(namespace: Namespace): Namespace {
  validateLabels(namespace.labels);
  return namespaceFromWire(namespaceToWire(namespace));
}

function notFound(name: string): Fault {
  return new Fault('not_found', `namespace ${quote(name)}: not found`);
}
