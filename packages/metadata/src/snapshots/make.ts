import { SnapshotPrepareSchema } from '@stowage/api/events';
import { InfoSchema } from '@stowage/api/snapshots/v1';
import { type CallOptions, Fault, LABEL, type Mount, quote, validateLabels } from '@stowage/core';
import type { PrepareOptions, SnapshotInfo } from '@stowage/snapshots';
import { snapshotLock } from '../database/keys.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { ensureNamespace, hold, makingLocks } from '../scope.ts';
import { backendName, edgeKey, leaseType, type Part, recordKey } from './part.ts';
import { infoOf, infoRecord, inherited, noSnapshotter, snapshotExists } from './records.ts';

/**
 * Makes an active snapshot or a view.
 *
 * A label `containerd.io/snapshot.ref` names the snapshot that the caller is after. If it is here, or the backend says
 * that it has it (by `already_exists`), then it is leased, and `already_exists` tells the caller to go on from it.
 */
export async function makeSnapshot(
  part: Part,
  kind: 'active' | 'view',
  key: string,
  parent: string,
  { labels = {}, signal }: PrepareOptions = {},
): Promise<Mount[]> {
  const { ledger, scope, snapshotter, backend } = part;
  if (key === '') throw new Fault('invalid_argument', 'snapshot key must not be empty');
  validateLabels(labels);
  const target = (Object.hasOwn(labels, LABEL.snapshotRef) && labels[LABEL.snapshotRef]) || undefined;
  const made = [key, ...(target === undefined ? [] : [target])].map((name) => recordKey(part, name));
  const kept = [snapshotLock(snapshotter), ...(parent === '' ? [] : [recordKey(part, parent)])];
  return ledger.mutate(
    makingLocks(scope, made, kept),
    async (tx) => {
      const { snapshotters } = ledger.backends;
      if (snapshotters.get(snapshotter) !== backend)
        throw noSnapshotter(snapshotter, [...snapshotters.keys()]);
      for (const name of target === undefined ? [key] : [target, key]) {
        if (!(await tx.has(recordKey(part, name)))) continue;
        await hold(tx, scope, leaseType(snapshotter), name);
        tx.refuse(snapshotExists(name));
        return [];
      }
      const below = parent === '' ? '' : await committed(tx, part, parent);
      await ensureNamespace(tx, scope.namespace);
      let own = '';
      await tx.intend((seq) => {
        own = backendName(part, seq, key);
        return { act: 'make-snapshot', snapshotter, key: own };
      });
      const createdAt = ledger.now();
      const info: SnapshotInfo = { name: key, parent, kind, labels, createdAt, updatedAt: createdAt };
      try {
        const options = { labels: inherited(labels), signal };
        const mounts = await (kind === 'active'
          ? backend.prepare(own, below, options)
          : backend.view(own, below, options));
        await record(tx, part, info, own);
        if (kind === 'active')
          tx.emit(scope.namespace, '/snapshot/prepare', SnapshotPrepareSchema, { key, parent, snapshotter });
        return mounts;
      } catch (e) {
        if (!Fault.is(e, 'already_exists')) throw e;
        // The backend's name was new, so without a target this makes no sense, and must not reach the caller as success.
        if (target === undefined)
          throw new Fault('unknown', `prepare ${quote(key)}: unexpected: ${e.message}`, { cause: e });
        const found = await remote(part, target, below, { signal });
        const adopted = { ...info, name: target, kind: found.kind, labels: { ...found.labels, ...labels } };
        await record(tx, part, adopted, found.name);
        tx.refuse(snapshotExists(target));
        return [];
      }
    },
    { signal },
  );
}

/** @returns the backend's name of a snapshot that can be a parent. */
export async function committed(tx: Transaction, part: Part, parent: string): Promise<string> {
  const stored = await tx.get(InfoSchema, recordKey(part, parent));
  if (stored === undefined) throw new Fault('not_found', `parent snapshot ${quote(parent)}: not found`);
  if (infoOf(stored.message).kind !== 'committed')
    throw new Fault('invalid_argument', `parent snapshot ${quote(parent)}: it is not committed`);
  return stored.backend;
}

async function record(tx: Transaction, part: Part, info: SnapshotInfo, backend: string): Promise<void> {
  const { scope, snapshotter } = part;
  tx.put(InfoSchema, recordKey(part, info.name), infoRecord(info), backend);
  if (info.parent !== '') tx.putEdge(edgeKey(part, info.parent, info.name));
  await hold(tx, scope, leaseType(snapshotter), info.name);
}

/** What a remote snapshotter has instead of what was asked for (containerd core/metadata/snapshot.go). */
async function remote(
  { backend }: Part,
  target: string,
  parent: string,
  options: CallOptions,
): Promise<SnapshotInfo> {
  // A filter only spares the backend some work: what it gives is looked at again.
  const filter = `labels.${JSON.stringify(LABEL.snapshotRef)}==${JSON.stringify(target)}`;
  for await (const info of backend.list([filter], options)) {
    const { kind, labels, parent: its } = info;
    if (kind === 'committed' && its === parent && labels[LABEL.snapshotRef] === target) return info;
  }
  throw new Fault('not_found', `snapshot ${quote(target)}: the snapshotter says it has it, but lists none`);
}
