import type { Transport } from '@connectrpc/connect';
import { Leases } from '@stowage/api/leases/v1';
import { cleanLabels, type Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { leaseFromWire, resourceFromWire, resourceToWire } from './convert.ts';
import type { LeaseManager } from './lease-manager.ts';

/** One scope's leases behind any Connect transport. */
export function remoteLeases(transport: Transport, scope: Scope): LeaseManager {
  const rpc = rpcClient(Leases, transport, scope);
  return {
    async create({ id = '', labels = {} }, { signal } = {}) {
      return leaseFromWire((await rpc.create({ id, labels: cleanLabels(labels) }, { signal })).lease);
    },
    async delete(id, { sync = false, signal } = {}) {
      await rpc.delete({ id, sync }, { signal });
    },
    async *list(filters = [], { signal } = {}) {
      const { leases } = await rpc.list({ filters: [...filters] }, { signal });
      for (const lease of leases) yield leaseFromWire(lease);
    },
    async addResource(id, resource, { signal } = {}) {
      await rpc.addResource({ id, resource: resourceToWire(resource) }, { signal });
    },
    async deleteResource(id, resource, { signal } = {}) {
      await rpc.deleteResource({ id, resource: resourceToWire(resource) }, { signal });
    },
    async *resources(id, { signal } = {}) {
      const { resources } = await rpc.listResources({ id }, { signal });
      for (const resource of resources) yield resourceFromWire(resource);
    },
  };
}
