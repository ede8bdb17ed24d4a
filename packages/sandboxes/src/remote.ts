import type { Transport } from '@connectrpc/connect';
import { Store } from '@stowage/api/sandbox/v1';
import type { Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { newSandboxToWire, sandboxFromWire } from './convert.ts';
import type { SandboxStore } from './sandbox-store.ts';

/** One scope's store behind any Connect transport. */
export function remoteSandboxes(transport: Transport, scope: Scope): SandboxStore {
  const rpc = rpcClient(Store, transport, scope);
  return {
    async get(id, { signal } = {}) {
      return sandboxFromWire((await rpc.get({ sandboxId: id }, { signal })).sandbox);
    },
    async *list(filters = [], { signal } = {}) {
      const { list } = await rpc.list({ filters: [...filters] }, { signal });
      for (const sandbox of list) yield sandboxFromWire(sandbox);
    },
    async create(sandbox, { signal } = {}) {
      return sandboxFromWire((await rpc.create({ sandbox: newSandboxToWire(sandbox) }, { signal })).sandbox);
    },
    async update(sandbox, paths = [], { signal } = {}) {
      const request = { sandbox: newSandboxToWire(sandbox), fields: [...paths] };
      return sandboxFromWire((await rpc.update(request, { signal })).sandbox);
    },
    async delete(id, { signal } = {}) {
      await rpc.delete({ sandboxId: id }, { signal });
    },
  };
}
