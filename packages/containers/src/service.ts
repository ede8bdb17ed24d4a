import { Containers, type Container as WireContainer } from '@stowage/api/containers/v1';
import type { Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import type { ContainerStore } from './container-store.ts';
import { containerToWire, newContainerFromWire } from './convert.ts';

/** Serves stores by scope as `containerd.services.containers.v1.Containers`. */
export function containerRoutes(containers: Scoped<ContainerStore>): Routes {
  return serviceRoutes(Containers, {
    async get({ id }, context) {
      const { signal } = context;
      return { container: containerToWire(await containers(scopeOf(context)).get(id, { signal })) };
    },
    // One message for all of them, which may outgrow the limit on messages; listStream never does.
    async list({ filters }, context) {
      const { signal } = context;
      const found: WireContainer[] = [];
      for await (const container of containers(scopeOf(context)).list(filters, { signal }))
        found.push(containerToWire(container));
      return { containers: found };
    },
    async *listStream({ filters }, context) {
      const { signal } = context;
      for await (const container of containers(scopeOf(context)).list(filters, { signal }))
        yield { container: containerToWire(container) };
    },
    async create({ container }, context) {
      const { signal } = context;
      const store = containers(scopeOf(context));
      return { container: containerToWire(await store.create(newContainerFromWire(container), { signal })) };
    },
    async update({ container, updateMask }, context) {
      const { signal } = context;
      const store = containers(scopeOf(context));
      const paths = updateMask?.paths ?? [];
      const updated = await store.update(newContainerFromWire(container), paths, { signal });
      return { container: containerToWire(updated) };
    },
    async delete({ id }, context) {
      await containers(scopeOf(context)).delete(id, { signal: context.signal });
      return {};
    },
  });
}
