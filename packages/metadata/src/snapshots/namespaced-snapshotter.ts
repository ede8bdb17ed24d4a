import { fromBinary } from '@bufbuild/protobuf';
import { SnapshotRemoveSchema } from '@stowage/api/events';
import { InfoSchema } from '@stowage/api/snapshots/v1';
import {
  type CallOptions,
  compileFilters,
  Fault,
  type Labels,
  quote,
  unlessGone,
  validateLabels,
} from '@stowage/core';
import { type SnapshotInfo, type Snapshotter, snapshotFields, updatedLabels } from '@stowage/snapshots';
import { childPrefix, rangeOf, snapshotPrefix } from '../database/keys.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { lookedAt } from '../scope.ts';
import { commitSnapshot } from './commit.ts';
import { makeSnapshot } from './make.ts';
import { dropRecord, type Part, recordKey } from './part.ts';
import { infoOf, infoRecord, inherited, overlaid, snapshotNotFound } from './records.ts';

/** The snapshots of one scope, over a backend that all share and that knows them by other names. */
export function namespacedSnapshotter(part: Part): Snapshotter {
  const { ledger, scope, snapshotter, backend } = part;
  const { namespace } = scope;

  async function find(
    key: string,
    { signal }: CallOptions = {},
  ): Promise<{ info: SnapshotInfo; backend: string }> {
    signal?.throwIfAborted();
    const sealed = await ledger.db.get(recordKey(part, key));
    if (sealed === undefined) throw snapshotNotFound(key);
    return { info: infoOf(fromBinary(InfoSchema, sealed.payload)), backend: sealed.backend };
  }

  function lookAt(key: string, options: CallOptions): ReturnType<typeof find> {
    lookedAt(ledger, scope, recordKey(part, key));
    return find(key, options);
  }

  return {
    async stat(key, options = {}) {
      const found = await lookAt(key, options);
      return overlaid(found.info, await backend.stat(found.backend, options));
    },

    async update(key, labels, paths = [], { signal } = {}) {
      return ledger.mutate(
        { exclusive: [recordKey(part, key)] },
        async (tx) => {
          const { info, backend: name } = await find(key);
          const next = updatedLabels(info.labels, labels, paths);
          validateLabels(next);
          const ours = { ...info, labels: next, updatedAt: ledger.now() };
          const theirs = await tellBackend(tx, part, name, info.labels, next, signal);
          tx.put(InfoSchema, recordKey(part, key), infoRecord(ours), name);
          return overlaid(infoOf(infoRecord(ours)), theirs);
        },
        { signal },
      );
    },

    async usage(key, options = {}) {
      return backend.usage((await lookAt(key, options)).backend, options);
    },

    async mounts(key, options = {}) {
      const { info, backend: name } = await lookAt(key, options);
      if (info.kind === 'committed')
        throw new Fault('failed_precondition', `mounts of ${quote(key)}: it is committed; make a view of it`);
      return backend.mounts(name, options);
    },

    prepare: (key, parent, options) => makeSnapshot(part, 'active', key, parent, options),
    view: (key, parent, options) => makeSnapshot(part, 'view', key, parent, options),
    commit: (name, key, options) => commitSnapshot(part, name, key, options),

    async remove(key, { signal } = {}) {
      await ledger.mutate(
        { exclusive: [recordKey(part, key)] },
        async (tx) => {
          const { info, backend: name } = await find(key);
          if (await ledger.db.any(rangeOf(childPrefix(namespace, snapshotter, key))))
            throw new Fault('failed_precondition', `remove snapshot ${quote(key)}: it has children`);
          dropSnapshot(tx, part, info, name);
        },
        { signal },
      );
    },

    async *list(filters = [], { signal } = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      const range = rangeOf(snapshotPrefix(namespace, snapshotter));
      for await (const [, { payload, backend: name }] of ledger.db.entries(range)) {
        const theirs = await unlessGone(backend.stat(name, { signal }));
        if (theirs === undefined) continue;
        const info = overlaid(infoOf(fromBinary(InfoSchema, payload)), theirs);
        if (matches(snapshotFields(info))) yield info;
      }
    },

    async cleanup(options = {}) {
      options.signal?.throwIfAborted();
      await backend.cleanup(options);
    },
  };
}

/** Deletes the record of a snapshot without children, and leaves its files to garbage collection. */
export function dropSnapshot(tx: Transaction, part: Part, info: SnapshotInfo, name: string): void {
  const { scope, snapshotter } = part;
  const { name: key, parent } = info;
  dropRecord(tx, part, key, parent);
  tx.discard({ kind: 'snapshot', snapshotter, key: name });
  tx.emit(scope.namespace, '/snapshot/remove', SnapshotRemoveSchema, { key, snapshotter });
}

/** Passes on what changed among the labels that a backend is told; its own stay. */
async function tellBackend(
  tx: Transaction,
  { snapshotter, backend }: Part,
  name: string,
  before: Labels,
  after: Labels,
  signal: AbortSignal | undefined,
): Promise<SnapshotInfo> {
  const labels = inherited(before);
  const told = inherited(after);
  const keys = [...new Set([...Object.keys(labels), ...Object.keys(told)])];
  const paths = keys.filter((key) => labels[key] !== told[key]).map((key) => `labels.${key}`);
  if (paths.length === 0) return backend.stat(name, { signal });
  await tx.intend(() => ({ act: 'label-snapshot', snapshotter, key: name, labels, paths }));
  return backend.update(name, told, paths, { signal });
}
