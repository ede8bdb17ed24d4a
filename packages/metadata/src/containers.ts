import { ContainerSchema } from '@stowage/api/containers/v1';
import { ContainerCreateSchema, ContainerDeleteSchema, ContainerUpdateSchema } from '@stowage/api/events';
import type { Container, ContainerStore, NewContainer } from '@stowage/containers';
import { containerFromWire, containerToWire } from '@stowage/containers/convert';
import {
  Fault,
  type FieldAdaptor,
  labelsField,
  maskedLabels,
  quote,
  type Scope,
  splitMaskPath,
  unknownMaskPath,
  validateIdentifier,
  validateLabels,
} from '@stowage/core';
import { anyOf } from '@stowage/rpc';
import { maskedExtensions, validateExtensions } from './extensions.ts';
import type { Ledger } from './ledger/ledger.ts';
import { recordTable } from './record-table.ts';
import { ensureNamespace, makingLocks } from './scope.ts';

/** What an update without a mask replaces (containerd core/metadata/containers.go). */
const MUTABLE = ['labels', 'spec', 'extensions', 'image', 'snapshotkey'];

const CONTAINERS = {
  table: 'containers',
  noun: 'container',
  schema: ContainerSchema,
  fromWire: containerFromWire,
  fieldsOf,
} as const;

/** The containers of one scope. */
export function containerStore(ledger: Ledger, scope: Scope): ContainerStore {
  const { namespace } = scope;
  const table = recordTable(ledger, namespace, CONTAINERS);

  return {
    get: table.get,

    list: table.list,

    async create(fresh, { signal } = {}) {
      const createdAt = ledger.now();
      const container = checked({ ...fresh, createdAt, updatedAt: createdAt });
      const { id, image, runtime } = container;
      const key = table.keyOf(id);
      return ledger.mutate(
        makingLocks({ namespace }, [key]),
        async (tx) => {
          await table.mustNotExist(tx, id);
          await ensureNamespace(tx, namespace);
          tx.put(ContainerSchema, key, containerToWire(container));
          const { name, options } = runtime;
          const started = { name, ...(options && { options: anyOf(options) }) };
          tx.emit(namespace, '/containers/create', ContainerCreateSchema, { id, image, runtime: started });
          return container;
        },
        { signal },
      );
    },

    async update(change, paths = [], { signal } = {}) {
      const { id } = change;
      if (id === '') throw new Fault('invalid_argument', 'container id must not be empty');
      const key = table.keyOf(id);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const current = await table.current(tx, id);
          if (paths.length === 0) refuseImmutable(current, change);
          const next = masked(current, change, paths.length === 0 ? MUTABLE : paths);
          const container = checked({ ...next, updatedAt: ledger.now() });
          tx.put(ContainerSchema, key, containerToWire(container));
          const { image, labels, snapshotKey } = container;
          const event = { id, image, labels: { ...labels }, snapshotKey };
          tx.emit(namespace, '/containers/update', ContainerUpdateSchema, event);
          return container;
        },
        { signal },
      );
    },

    async delete(id, { signal } = {}) {
      const key = table.keyOf(id);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          await table.mustExist(tx, id);
          tx.delete(key);
          tx.emit(namespace, '/containers/delete', ContainerDeleteSchema, { id });
          tx.removed();
        },
        { signal },
      );
    },
  };
}

function refuseImmutable(current: Container, { id, snapshotter, runtime }: NewContainer): void {
  const at = `container ${quote(id)}`;
  if (snapshotter !== current.snapshotter)
    throw new Fault(
      'invalid_argument',
      `${at}: its snapshotter can't change; it is ${quote(current.snapshotter)}`,
    );
  if (runtime.name !== current.runtime.name)
    throw new Fault(
      'invalid_argument',
      `${at}: its runtime can't change; it is ${quote(current.runtime.name)}`,
    );
}

function masked(current: Container, change: NewContainer, paths: readonly string[]): Container {
  let next = current;
  for (const path of paths) {
    const { field, key } = splitMaskPath(path);
    if (field === 'labels') next = { ...next, labels: maskedLabels(next.labels, change.labels, key) };
    else if (field === 'extensions')
      next = { ...next, extensions: maskedExtensions(next.extensions, change.extensions, key) };
    else if (path === 'spec') next = { ...next, spec: change.spec };
    else if (path === 'image') next = { ...next, image: change.image };
    else if (path === 'snapshotkey') next = { ...next, snapshotKey: change.snapshotKey };
    else throw unknownMaskPath(path, `container ${quote(current.id)}`);
  }
  return next;
}

/** @see containerd core/metadata/containers.go validateContainer */
function checked(container: Container): Container {
  const { id, labels, extensions, runtime, spec, snapshotter, snapshotKey, sandboxId } = container;
  validateIdentifier(id, 'container id');
  const at = `container ${quote(id)}`;
  validateExtensions(extensions, at);
  validateLabels(labels);
  if (runtime.name === '') throw new Fault('invalid_argument', `${at}: runtime name must not be empty`);
  if (spec === undefined) throw new Fault('invalid_argument', `${at}: spec is required`);
  if (snapshotKey !== '' && snapshotter === '')
    throw new Fault('invalid_argument', `${at}: a snapshot key needs the snapshotter's name`);
  if (sandboxId !== '') validateIdentifier(sandboxId, 'sandbox id');
  return containerFromWire(containerToWire(container));
}

function fieldsOf({ id, runtime, image, labels }: Container): FieldAdaptor {
  return (path) => {
    switch (path[0]) {
      case 'id':
        return id;
      case 'runtime':
        return path[1] === 'name' ? runtime.name : undefined;
      case 'image':
        return image === '' ? undefined : image;
      case 'labels':
        return labelsField(labels, path);
      default:
        return undefined;
    }
  };
}
