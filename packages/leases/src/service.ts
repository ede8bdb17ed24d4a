import { Leases, type Lease as WireLease, type Resource as WireResource } from '@stowage/api/leases/v1';
import { cleanLabels, type Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { leaseToWire, resourceFromWire, resourceToWire } from './convert.ts';
import type { LeaseManager } from './lease-manager.ts';

/** Serves lease managers by scope as `containerd.services.leases.v1.Leases`. */
export function leaseRoutes(leases: Scoped<LeaseManager>): Routes {
  return serviceRoutes(Leases, {
    async create({ id, labels }, context) {
      const { signal } = context;
      const lease = { labels: cleanLabels(labels), ...(id !== '' && { id }) };
      return { lease: leaseToWire(await leases(scopeOf(context)).create(lease, { signal })) };
    },
    async delete({ id, sync }, context) {
      await leases(scopeOf(context)).delete(id, { sync, signal: context.signal });
      return {};
    },
    async list({ filters }, context) {
      const { signal } = context;
      const found: WireLease[] = [];
      for await (const lease of leases(scopeOf(context)).list(filters, { signal }))
        found.push(leaseToWire(lease));
      return { leases: found };
    },
    async addResource({ id, resource }, context) {
      const { signal } = context;
      await leases(scopeOf(context)).addResource(id, resourceFromWire(resource), { signal });
      return {};
    },
    async deleteResource({ id, resource }, context) {
      const { signal } = context;
      await leases(scopeOf(context)).deleteResource(id, resourceFromWire(resource), { signal });
      return {};
    },
    async listResources({ id }, context) {
      const { signal } = context;
      const resources: WireResource[] = [];
      for await (const resource of leases(scopeOf(context)).resources(id, { signal }))
        resources.push(resourceToWire(resource));
      return { resources };
    },
  });
}
