import { fromBinary } from '@bufbuild/protobuf';
import { ContainerSchema } from '@stowage/api/containers/v1';
import { ContainerCreateSchema, ContainerDeleteSchema, ContainerUpdateSchema } from '@stowage/api/events';
import type { Container, ContainerStore, NewContainer } from '@stowage/containers';
import { containerFromWire, containerToWire } from '@stowage/containers/convert';
import {
  compileFilters,
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
import { objectKey, rangeOf, tablePrefix } from './database/keys.ts';
import { maskedExtensions, validateExtensions } from './extensions.ts';
import type { Ledger } from './ledger/ledger.ts';
import { ensureNamespace, makingLocks } from './scope.ts';

/** What an update without a mask replaces (containerd core/metadata/containers.go). */
const MUTABLE = ['labels', 'spec', 'extensions', 'image', 'snapshotkey'];

/** The containers of one scope. */
export function containerStore(ledger: Ledger, scope: Scope): ContainerStore {
  const { namespace } = scope;
  const keyOf = (id: string) => objectKey(namespace, 'containers', id);

  return {
    async get(id, { signal } = {}) {
      signal?.throwIfAborted();
      const sealed = await ledger.db.get(keyOf(id));
      if (sealed === undefined) throw notFound(id);
      return containerFromWire(fromBinary(ContainerSchema, sealed.payload));
    },

    async *list(filters = [], { signal } = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      for await (const [, { payload }] of ledger.db.entries(rangeOf(tablePrefix(namespace, 'containers')))) {
        signal?.throwIfAborted();
        const container = containerFromWire(fromBinary(ContainerSchema, payload));
        if (matches(fieldsOf(container))) yield container;
      }
    },

    async create(fresh, { signal } = {}) {
      const createdAt = ledger.now();
      const container = checked({ ...fresh, createdAt, updatedAt: createdAt });
      const { id, image, runtime } = container;
      const key = keyOf(id);
      return ledger.mutate(
        makingLocks({ namespace }, [key]),
        async (tx) => {
          if (await tx.has(key)) throw new Fault('already_exists', `container ${quote(id)}: already exists`);
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
      const key = keyOf(id);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const stored = await tx.get(ContainerSchema, key);
          if (stored === undefined) throw notFound(id);
          const current = containerFromWire(stored.message);
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
      const key = keyOf(id);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          if (!(await tx.has(key))) throw notFound(id);
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

function notFound(id: string): Fault {
  return new Fault('not_found', `container ${quote(id)}: not found`);
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
