import { SandboxSchema } from '@stowage/api/types';
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
import type { NewSandbox, Sandbox, SandboxStore } from '@stowage/sandboxes';
import { sandboxFromWire, sandboxToWire } from '@stowage/sandboxes/convert';
import { maskedExtensions, validateExtensions } from './extensions.ts';
import type { Ledger } from './ledger/ledger.ts';
import { recordTable } from './record-table.ts';
import { ensureNamespace, makingLocks } from './scope.ts';

/** What an update without a mask replaces (containerd core/metadata/sandbox.go). */
const MUTABLE = ['labels', 'extensions', 'spec', 'runtime'];

const SANDBOXES = {
  table: 'sandboxes',
  noun: 'sandbox',
  schema: SandboxSchema,
  fromWire: sandboxFromWire,
  fieldsOf,
} as const;

/** The sandboxes of one scope. No events: those of a sandbox tell what its controller does with it. */
export function sandboxStore(ledger: Ledger, scope: Scope): SandboxStore {
  const { namespace } = scope;
  const table = recordTable(ledger, namespace, SANDBOXES);

  return {
    get: table.get,

    list: table.list,

    async create(fresh, { signal } = {}) {
      const createdAt = ledger.now();
      const sandbox = checked({ ...fresh, createdAt, updatedAt: createdAt });
      const { id } = sandbox;
      const key = table.keyOf(id);
      return ledger.mutate(
        makingLocks({ namespace }, [key]),
        async (tx) => {
          await table.mustNotExist(tx, id);
          await ensureNamespace(tx, namespace);
          tx.put(SandboxSchema, key, sandboxToWire(sandbox));
          return sandbox;
        },
        { signal },
      );
    },

    async update(change, paths = [], { signal } = {}) {
      const { id } = change;
      const key = table.keyOf(id);
      return ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const current = await table.current(tx, id);
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
      const key = table.keyOf(id);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          await table.mustExist(tx, id);
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

function fieldsOf({ id, labels }: Sandbox): FieldAdaptor {
  return (path) => {
    if (path[0] === 'id') return id;
    return path[0] === 'labels' ? labelsField(labels, path) : undefined;
  };
}
