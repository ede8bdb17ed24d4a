import { fromBinary } from '@bufbuild/protobuf';
import { SandboxSchema } from '@stowage/api/types';
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
import type { NewSandbox, Sandbox, SandboxStore } from '@stowage/sandboxes';
import { sandboxFromWire, sandboxToWire } from '@stowage/sandboxes/convert';
import { objectKey, rangeOf, tablePrefix } from './database/keys.ts';
import { maskedExtensions, validateExtensions } from './extensions.ts';
import type { Ledger } from './ledger/ledger.ts';
import { ensureNamespace, makingLocks } from './scope.ts';

/** What an update without a mask replaces (containerd core/metadata/sandbox.go). */
const MUTABLE = ['labels', 'extensions', 'spec', 'runtime'];

/** The sandboxes of one scope. No events: those of a sandbox tell what its controller does with it. */
export function sandboxStore(ledger: Ledger, scope: Scope): SandboxStore {
  const { namespace } = scope;
  const keyOf = (id: string) => objectKey(namespace, 'sandboxes', id);

  return {
    async get(id, { signal } = {}) {
      signal?.throwIfAborted();
      const sealed = await ledger.db.get(keyOf(id));
      if (sealed === undefined) throw notFound(id);
      return sandboxFromWire(fromBinary(SandboxSchema, sealed.payload));
    },

    async *list(filters = [], { signal } = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      for await (const [, { payload }] of ledger.db.entries(rangeOf(tablePrefix(namespace, 'sandboxes')))) {
        signal?.throwIfAborted();
        const sandbox = sandboxFromWire(fromBinary(SandboxSchema, payload));
        if (matches(fieldsOf(sandbox))) yield sandbox;
      }
    },

    async create(fresh, { signal } = {}) {
      const createdAt = ledger.now();
      const sandbox = checked({ ...fresh, createdAt, updatedAt: createdAt });
      const { id } = sandbox;
      const key = keyOf(id);
      return ledger.mutate(
        makingLocks({ namespace }, [key]),
        async (tx) => {
          if (await tx.has(key)) throw new Fault('already_exists', `sandbox ${quote(id)}: already exists`);
          await ensureNamespace(tx, namespace);
          tx.put(SandboxSchema, key, sandboxToWire(sandbox));
          return sandbox;
        },
        { signal },
      );
    },

    async update(change, paths = [], { signal } = {}) {
      const { id } = change;
      const key = keyOf(id);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const stored = await tx.get(SandboxSchema, key);
          if (stored === undefined) throw notFound(id);
          const current = sandboxFromWire(stored.message);
          if (paths.length === 0 && change.runtime.name !== current.runtime.name)
            throw new Fault(
              'invalid_argument',
              `sandbox ${quote(id)}: its runtime can't change; it is ${quote(current.runtime.name)}`,
            );
          const next = masked(current, change, paths.length === 0 ? MUTABLE : paths);
          const sandbox = checked({ ...next, updatedAt: ledger.now() });
          tx.put(SandboxSchema, key, sandboxToWire(sandbox));
          return sandbox;
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
          tx.removed();
        },
        { signal },
      );
    },
  };
}

function masked(current: Sandbox, change: NewSandbox, paths: readonly string[]): Sandbox {
  let next = current;
  for (const path of paths) {
    const { field, key } = splitMaskPath(path);
    if (field === 'labels') next = { ...next, labels: maskedLabels(next.labels, change.labels, key) };
    else if (field === 'extensions')
      next = { ...next, extensions: maskedExtensions(next.extensions, change.extensions, key) };
    else if (path === 'spec') next = { ...next, spec: change.spec };
    else if (path === 'runtime') next = { ...next, runtime: change.runtime };
    else throw unknownMaskPath(path, `sandbox ${quote(current.id)}`);
  }
  return next;
}

function checked(sandbox: Sandbox): Sandbox {
  const { id, labels, extensions } = sandbox;
  validateIdentifier(id, 'sandbox id');
  validateExtensions(extensions, `sandbox ${quote(id)}`);
  validateLabels(labels);
  return sandboxFromWire(sandboxToWire(sandbox));
}

function notFound(id: string): Fault {
  return new Fault('not_found', `sandbox ${quote(id)}: not found`);
}

function fieldsOf({ id, labels }: Sandbox): FieldAdaptor {
  return (path) => {
    if (path[0] === 'id') return id;
    return path[0] === 'labels' ? labelsField(labels, path) : undefined;
  };
}
