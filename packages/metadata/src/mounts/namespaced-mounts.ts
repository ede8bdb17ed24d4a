import { ActivationInfoSchema } from '@stowage/api/types';
import { type Scope, unlessGone } from '@stowage/core';
import {
  activationFields,
  type MountBackend,
  type MountManager,
  nothingToActivate,
  updatedActivationLabels,
  validateActivation,
} from '@stowage/mounts';
import { activationFromWire, activationToWire } from '@stowage/mounts/convert';
import { objectKey } from '../database/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Transaction } from '../ledger/transaction.ts';
import { recordTable } from '../record-table.ts';
import { ensureNamespace, hold, letGo, lookedAt, makingLocks } from '../scope.ts';

/** How edges of leases name activations. */
export const MOUNTS = 'mounts';
/** How much of an activation's name the backend is told, for people. The cut may go through a surrogate pair. */
const TOLD = 100;

const ACTIVATIONS = {
  table: MOUNTS,
  noun: 'activation',
  schema: ActivationInfoSchema,
  fromWire: activationFromWire,
  fieldsOf: activationFields,
} as const;

/** The activations of one scope, over a backend that all share and that knows them by other names. */
export function namespacedMounts(ledger: Ledger, scope: Scope, backend: MountBackend): MountManager {
  const { namespace } = scope;
  const table = recordTable(ledger, namespace, ACTIVATIONS);

  return {
    async activate(name, mounts, { labels = {}, temporary = false, signal } = {}) {
      signal?.throwIfAborted();
      validateActivation(name, mounts, labels);
      // Asked before anything is locked or written: most mounts need nothing.
      if (!backend.isNeeded(mounts, { temporary })) throw nothingToActivate();
      const key = table.keyOf(name);
      return ledger.mutate(
        makingLocks(scope, [key]),
        async (tx) => {
          await table.mustNotExist(tx, name);
          await hold(tx, scope, MOUNTS, name);
          await ensureNamespace(tx, namespace);
          let own = '';
          await tx.intend((seq) => {
            own = `${namespace}/${seq}/${name.slice(0, TOLD).toWellFormed()}`;
            return { act: 'make-mounts', key: own };
          });
          const made = await backend.activate(own, mounts, { temporary, signal });
          const record = activationToWire({ ...made, name, labels });
          tx.put(ActivationInfoSchema, key, record, own);
          return activationFromWire(record);
        },
        { signal },
      );
    },

    async deactivate(name, { signal } = {}) {
      const key = table.keyOf(name);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const stored = await tx.get(ActivationInfoSchema, key);
          if (stored === undefined) throw table.notFound(name);
          // The record goes last, so that a crash or a mount in use leaves something to try again.
          await unlessGone(backend.deactivate(stored.backend, { signal }));
          tx.delete(key);
          letGo(tx, scope, MOUNTS, name);
        },
        { signal },
      );
    },

    async info(name, options) {
      lookedAt(ledger, scope, table.keyOf(name));
      return table.get(name, options);
    },

    async update(name, labels, paths = [], { signal } = {}) {
      const key = table.keyOf(name);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const stored = await tx.get(ActivationInfoSchema, key);
          if (stored === undefined) throw table.notFound(name);
          const current = activationFromWire(stored.message);
          const next = { ...current, labels: updatedActivationLabels(current, labels, paths) };
          const record = activationToWire(next);
          tx.put(ActivationInfoSchema, key, record, stored.backend);
          return activationFromWire(record);
        },
        { signal },
      );
    },

    list: table.list,
  };
}

/** Deletes the record of an activation, and leaves its mounts to garbage collection. Its key must be locked. */
export function dropMounts(tx: Transaction, scope: Scope, name: string, backend: string): void {
  tx.delete(objectKey(scope.namespace, MOUNTS, name));
  tx.discard({ kind: 'mounts', key: backend });
}
