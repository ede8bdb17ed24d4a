import type { Transport } from '@connectrpc/connect';
import { Containers } from '@stowage/api/containers/v1';
import type { Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import type { ContainerStore } from './container-store.ts';
import { containerFromWire, newContainerToWire } from './convert.ts';

/** One scope's store behind any Connect transport. */
export function remoteContainers(transport: Transport, scope: Scope): ContainerStore {
  const rpc = rpcClient(Containers, transport, scope);
  return {
    async get(id, { signal } = {}) {
      return containerFromWire((await rpc.get({ id }, { signal })).container);
    },
    async *list(filters = [], { signal } = {}) {
      for await (const { container } of rpc.listStream({ filters: [...filters] }, { signal }))
        yield containerFromWire(container);
    },
    async create(container, { signal } = {}) {
      return containerFromWire(
        (await rpc.create({ container: newContainerToWire(container) }, { signal })).container,
      );
    },
    async update(container, paths = [], { signal } = {}) {
      const request = { container: newContainerToWire(container), updateMask: { paths: [...paths] } };
      return containerFromWire((await rpc.update(request, { signal })).container);
    },
    async delete(id, { signal } = {}) {
      await rpc.delete({ id }, { signal });
    },
  };
}
