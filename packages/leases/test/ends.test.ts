import { createRouterTransport } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { Fault, type Scope } from '@stowage/core';
import type { Lease, LeaseManager, LeaseResource } from '@stowage/leases';
import { remoteLeases } from '@stowage/leases/remote';
import { leaseRoutes } from '@stowage/leases/service';

/** Leases of this process's memory. */
function memoryLeases(): LeaseManager & { readonly synced: string[] } {
  const all = new Map<string, { readonly lease: Lease; readonly resources: LeaseResource[] }>();
  const synced: string[] = [];
  const find = (id: string) => {
    const found = all.get(id);
    if (found === undefined) throw new Fault('not_found', `lease ${id}: not found`);
    return found;
  };
  return {
    synced,
    create: async ({ id = `random-${all.size}`, labels = {} }) => {
      const lease = { id, labels, createdAt: new Date(1_700_000_000_123) };
      all.set(id, { lease, resources: [] });
      return lease;
    },
    delete: async (id, { sync = false } = {}) => {
      find(id);
      all.delete(id);
      if (sync) synced.push(id);
    },
    async *list() {
      for (const { lease } of all.values()) yield lease;
    },
    addResource: async (id, resource) => void find(id).resources.push(resource),
    deleteResource: async (id, { type }) => {
      const { resources } = find(id);
      const at = resources.findIndex((one) => one.type === type);
      if (at >= 0) resources.splice(at, 1);
    },
    async *resources(id) {
      yield* find(id).resources;
    },
  };
}

test('leases and their resources cross the wire', async () => {
  const local = memoryLeases();
  const scopes: Scope[] = [];
  const routes = leaseRoutes((scope) => {
    scopes.push(scope);
    return local;
  });
  const leases = remoteLeases(createRouterTransport(routes), { namespace: 'n', lease: 'l' });
  const { id } = await leases.create({ labels: { a: 'b' } });
  expect(id).toBe('random-0');
  expect(await Array.fromAsync(leases.list(['id']))).toMatchObject([
    { id, createdAt: new Date(1_700_000_000_123) },
  ]);
  await leases.addResource(id, { type: 'snapshots/overlayfs', id: 'a/b' });
  await leases.addResource(id, { type: 'content', id: 'sha256:x' });
  await leases.deleteResource(id, { type: 'content', id: 'sha256:x' });
  expect(await Array.fromAsync(leases.resources(id))).toEqual([{ type: 'snapshots/overlayfs', id: 'a/b' }]);
  await leases.delete(id, { sync: true });
  expect(local.synced).toEqual([id]);
  await expect(leases.delete(id)).rejects.toMatchObject({ kind: 'not_found' });
  expect(scopes[0]).toEqual({ namespace: 'n', lease: 'l' });
});
