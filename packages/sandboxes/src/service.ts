import { Store } from '@stowage/api/sandbox/v1';
import type { Sandbox as WireSandbox } from '@stowage/api/types';
import type { Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { newSandboxFromWire, sandboxToWire } from './convert.ts';
import type { SandboxStore } from './sandbox-store.ts';

/** Serves stores by scope as `containerd.services.sandbox.v1.Store`. */
export function sandboxRoutes(sandboxes: Scoped<SandboxStore>): Routes {
  return serviceRoutes(Store, {
    async create({ sandbox }, context) {
      const { signal } = context;
      const store = sandboxes(scopeOf(context));
      return { sandbox: sandboxToWire(await store.create(newSandboxFromWire(sandbox), { signal })) };
    },
    async update({ sandbox, fields }, context) {
      const { signal } = context;
      const store = sandboxes(scopeOf(context));
      return { sandbox: sandboxToWire(await store.update(newSandboxFromWire(sandbox), fields, { signal })) };
    },
    async delete({ sandboxId }, context) {
      await sandboxes(scopeOf(context)).delete(sandboxId, { signal: context.signal });
      return {};
    },
    async list({ filters }, context) {
      const { signal } = context;
      const list: WireSandbox[] = [];
      for await (const sandbox of sandboxes(scopeOf(context)).list(filters, { signal }))
        list.push(sandboxToWire(sandbox));
      return { list };
    },
    async get({ sandboxId }, context) {
      const { signal } = context;
      return { sandbox: sandboxToWire(await sandboxes(scopeOf(context)).get(sandboxId, { signal })) };
    },
  });
}
