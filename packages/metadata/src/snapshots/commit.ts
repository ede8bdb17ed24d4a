import { SnapshotCommitSchema } from '@stowage/api/events';
import { InfoSchema } from '@stowage/api/snapshots/v1';
import { Fault, quote, validateLabels } from '@stowage/core';
import type { CommitSnapshotOptions } from '@stowage/snapshots';
import { storedBatch } from '../ledger/intent.ts';
import { ensureNamespace, hold, makingLocks } from '../scope.ts';
import { committed } from './make.ts';
import { backendName, dropRecord, edgeKey, leaseType, type Part, recordKey } from './part.ts';
import { infoOf, infoRecord, inherited, snapshotExists, snapshotNotFound } from './records.ts';

/**
 * Makes an active snapshot a committed one, which keeps its parent, but none of its labels. One without a parent may get
 * one, if the backend can do that.
 */
export async function commitSnapshot(
  part: Part,
  name: string,
  key: string,
  { labels = {}, parent: wanted = '', signal }: CommitSnapshotOptions = {},
): Promise<void> {
  const { ledger, scope, snapshotter, backend } = part;
  if (name === '') throw new Fault('invalid_argument', 'snapshot name must not be empty');
  validateLabels(labels);
  const kept = wanted === '' ? [] : [recordKey(part, wanted)];
  await ledger.mutate(
    makingLocks(scope, [recordKey(part, name), recordKey(part, key)], kept),
    async (tx) => {
      await hold(tx, scope, leaseType(snapshotter), name);
      if (await tx.has(recordKey(part, name))) {
        tx.refuse(snapshotExists(name));
        return;
      }
      const stored = await tx.get(InfoSchema, recordKey(part, key));
      if (stored === undefined) throw snapshotNotFound(key);
      const active = infoOf(stored.message);
      if (active.kind !== 'active')
        throw new Fault('failed_precondition', `commit ${quote(key)}: it is ${active.kind}, not active`);
      if (wanted !== '' && active.parent !== '' && wanted !== active.parent) {
        const message = `commit ${quote(key)} onto ${quote(wanted)}: its parent is ${quote(active.parent)}`;
        throw new Fault('invalid_argument', message);
      }
      const rebased = active.parent === '' && wanted !== '' ? await committed(tx, part, wanted) : undefined;
      const parent = rebased === undefined ? active.parent : wanted;
      await ensureNamespace(tx, scope.namespace);
      let own = '';
      const createdAt = ledger.now();
      const info = infoRecord({ name, parent, kind: 'committed', labels, createdAt, updatedAt: createdAt });
      dropRecord(tx, part, key, active.parent);
      tx.put(InfoSchema, recordKey(part, name), info, () => own);
      if (parent !== '') tx.putEdge(edgeKey(part, parent, name));
      tx.emit(scope.namespace, '/snapshot/commit', SnapshotCommitSchema, { key, name, snapshotter });
      // A commit can't be taken back: if it is found done after a crash, these records follow.
      await tx.intend((seq, gathered) => {
        own = backendName(part, seq, name);
        return { act: 'commit-snapshot', snapshotter, name: own, forward: storedBatch(gathered()) };
      });
      await backend.commit(own, stored.backend, { labels: inherited(labels), parent: rebased, signal });
    },
    { signal },
  );
}
