import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { LeaseSchema } from '@stowage/api/leases/v1';
import {
  cleanLabels,
  compileFilters,
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
import {
  namespaceKey,
  objectKey,
  parseKey,
  rangeOf,
  resourceKey,
  resourcePrefix,
  tablePrefix,
} from './database/keys.ts';
import { targetOf } from './gc/refs.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Transaction } from './ledger/transaction.ts';
import { ensureNamespace, makingLocks } from './scope.ts';

/** The leases of one namespace. `collect` runs a whole garbage collection. */
export function leaseManager(ledger: Ledger, scope: Scope, collect: () => Promise<void>): LeaseManager {
  const { namespace } = scope;
  const keyOf = (id: string) => objectKey(namespace, 'leases', id);

  async function changeResource(
    id: string,
    resource: LeaseResource,
    signal: AbortSignal | undefined,
    change: (tx: Transaction, key: string) => void,
  ): Promise<void> {
    const key = keyOf(id);
    // Whoever deletes the namespace takes its leases along, locked or not.
    await ledger.mutate(
      { shared: [key, namespaceKey(namespace)] },
      async (tx) => {
        if (!(await tx.has(key))) throw notFound(id);
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
      const key = keyOf(id);
      return ledger.mutate(
        makingLocks({ namespace }, [key]),
        async (tx) => {
          ledger.touch([key]);
          if (await tx.has(key)) throw new Fault('already_exists', `lease ${quote(id)}: already exists`);
          await ensureNamespace(tx, namespace);
          tx.put(LeaseSchema, key, leaseToWire(lease));
          return lease;
        },
        { signal },
      );
    },

    async delete(id, { signal, sync = false } = {}) {
      const key = keyOf(id);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          if (!(await tx.has(key))) throw notFound(id);
          await dropLease(ledger, tx, namespace, id);
        },
        { signal },
      );
      if (sync) await collect();
    },

    async *list(filters = [], { signal } = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      for await (const [, { payload }] of ledger.db.entries(rangeOf(tablePrefix(namespace, 'leases')))) {
        signal?.throwIfAborted();
        const lease = leaseFromWire(fromBinary(LeaseSchema, payload));
        if (matches(fieldsOf(lease))) yield lease;
      }
    },

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
        if (!(await ledger.db.has(keyOf(id)))) throw notFound(id);
        for (; !next.done; next = await edges.next()) {
          signal?.throwIfAborted();
          const edge = parseKey(next.value[0]);
          if (edge?.table === 'resources') yield { id: edge.name, type: edge.type };
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

function notFound(id: string): Fault {
  return new Fault('not_found', `lease ${quote(id)}: not found`);
}

function fieldsOf({ id, labels }: Lease): FieldAdaptor {
  return (path) => {
    if (path[0] === 'id') return id;
    return path[0] === 'labels' ? labelsField(labels, path) : undefined;
  };
}
