import { Namespaces, type Namespace as WireNamespace } from '@stowage/api/namespaces/v1';
import { type Routes, serviceRoutes } from '@stowage/rpc';
import { namespaceFromWire, namespaceToWire } from './convert.ts';
import type { NamespaceStore } from './namespace-store.ts';

/** Serves a store as `containerd.services.namespaces.v1.Namespaces`. */
export function namespaceRoutes(store: NamespaceStore): Routes {
  return serviceRoutes(Namespaces, {
    async get({ name }, { signal }) {
      return { namespace: namespaceToWire(await store.get(name, { signal })) };
    },
    // The request has a filter, which containerd has never read.
    async list(_, { signal }) {
      const namespaces: WireNamespace[] = [];
      for await (const namespace of store.list({ signal })) namespaces.push(namespaceToWire(namespace));
      return { namespaces };
    },
    async create({ namespace }, { signal }) {
      return { namespace: namespaceToWire(await store.create(namespaceFromWire(namespace), { signal })) };
    },
    async update({ namespace, updateMask }, { signal }) {
      const updated = await store.update(namespaceFromWire(namespace), updateMask?.paths ?? [], { signal });
      return { namespace: namespaceToWire(updated) };
    },
    async delete({ name }, { signal }) {
      await store.delete(name, { signal });
      return {};
    },
  });
}
