import { randomUUID } from 'node:crypto';
import { LeaseSchema } from '@stowage/api/leases/v1';
import {
  cleanLabels,
  Fault,
  type FieldAdaptor,
  labelsField,
  parseDigest,
  quote,
  type Scope,
  validateLabels,
} from '@stowage/core';
import type { Lease, LeaseManager, LeaseResource } from '@stowage/leases';
import { leaseFromWire, leaseToWire } from '@stowage/leases/convert';
import { namespaceKey, objectKey, parseKey, rangeOf, resourceKey, resourcePrefix } from './database/keys.ts';
import { targetOf } from './gc/refs.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Transaction } from './ledger/transaction.ts';
import { MOUNTS } from './mounts/namespaced-mounts.ts';
import { recordTable } from './record-table.ts';
import { ensureNamespace, makingLocks } from './scope.ts';

const LEASES = {
  table: 'leases',
  noun: 'lease',
  schema: LeaseSchema,
  fromWire: leaseFromWire,
  fieldsOf,
} as const;

/** The leases of one namespace. `collect` runs a whole garbage collection. */
export function leaseManager(ledger: Ledger, scope: Scope, collect: () => Promise<void>): LeaseManager {
  const { namespace } = scope;
  const table = recordTable(ledger, namespace, LEASES);

  async function changeResource(
    id: string,
    resource: LeaseResource,
    signal: AbortSignal | undefined,
    change: (tx: Transaction, key: string) => void,
  ): Promise<void> {
    const key = table.keyOf(id);
    // Whoever deletes the namespace takes its leases along, locked or not.
    await ledger.mutate(
      { shared: [key, namespaceKey(namespace)] },
      async (tx) => {
        await table.mustExist(tx, id);
        validateResource(resource);
        change(tx, resourceKey(namespace, id, resource.type, resource.id));
      },
      { signal },
    );
  }

  return {
    async create({ id: wanted = '', labels = {} }, { signal } = {}) {
      validateLabels(labels);
      const id = wanted === '' ? randomUUID() : wanted;
      const lease: Lease = { id, labels: cleanLabels(labels), createdAt: ledger.now() };
      const key = table.keyOf(id);
      return ledger.mutate(
        makingLocks({ namespace }, [key]),
        async (tx) => {
          ledger.touch([key]);
          await table.mustNotExist(tx, id);
          await ensureNamespace(tx, namespace);
          tx.put(LeaseSchema, key, leaseToWire(lease));
          return lease;
        },
        { signal },
      );
    },

    async delete(id, { signal, sync = false } = {}) {
      const key = table.keyOf(id);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          await table.mustExist(tx, id);
          await dropLease(ledger, tx, namespace, id);
        },
        { signal },
      );
      if (sync) await collect();
    },

    list: table.list,

    async addResource(id, resource, { signal } = {}) {
      const { type, id: name } = resource;
      const target = targetOf({ namespace, table: 'resources', lease: id, type, name });
      await changeResource(id, resource, signal, (tx, key) =>
        tx.putEdge(key, ...(target === undefined ? [] : [target])),
      );
    },

    async deleteResource(id, resource, { signal } = {}) {
      await changeResource(id, resource, signal, (tx, key) => {
        tx.delete(key);
        tx.removed();
      });
    },

    async *resources(id, { signal } = {}) {
      signal?.throwIfAborted();
      // The edges are those of one moment, so the lease is looked for after it: one that goes meanwhile takes them along,
      // and would else be told as one that holds nothing.
      const edges = ledger.db.entries(rangeOf(resourcePrefix(namespace, id)));
      try {
        let next = await edges.next();
        if (!(await ledger.db.has(table.keyOf(id)))) throw table.notFound(id);
        for (; !next.done; next = await edges.next()) {
          signal?.throwIfAborted();
          const edge = parseKey(next.value[0]);
          // As in containerd, where the lease's mounts are on no list: a client that copies one could not add them.
          if (edge?.table === 'resources' && edge.type !== MOUNTS) yield { id: edge.name, type: edge.type };
        }
      } finally {
        await edges.return(undefined);
      }
    },
  };
}

/** Deletes a lease and its edges. Its key must be locked. */
export async function dropLease(
  ledger: Ledger,
  tx: Transaction,
  namespace: string,
  id: string,
): Promise<void> {
  tx.delete(objectKey(namespace, 'leases', id));
  for await (const [key] of ledger.db.entries(rangeOf(resourcePrefix(namespace, id)))) tx.delete(key);
  tx.removed();
}

/** @see containerd core/metadata/leases.go parseLeaseResource */
function validateResource({ id, type }: LeaseResource): void {
  const at = `lease resource ${quote(id)}`;
  const [kind, snapshotter, ...more] = type.split('/');
  switch (kind) {
    case 'content':
    case 'ingests':
    case 'images':
      if (snapshotter !== undefined) throw malformedType(at, type);
      break;
    case 'snapshots':
      if (snapshotter === undefined || snapshotter === '' || more.length > 0) throw malformedType(at, type);
      break;
    default:
      throw new Fault('unimplemented', `${at}: type ${quote(type)} can't be leased`);
  }
  if (id === '')
    throw new Fault('invalid_argument', `${at}: of type ${quote(type)}: its id must not be empty`);
  if (kind === 'content') parseDigest(id);
}

function malformedType(at: string, type: string): Fault {
  const types = 'content, ingests, images or snapshots/<snapshotter>';
  return new Fault('invalid_argument', `${at}: type ${quote(type)} must be ${types}`);
}

function fieldsOf({ id, labels }: Lease): FieldAdaptor {
  return (path) => {
    if (path[0] === 'id') return id;
    return path[0] === 'labels' ? labelsField(labels, path) : undefined;
  };
}
