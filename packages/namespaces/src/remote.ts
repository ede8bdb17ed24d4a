import type { Transport } from '@connectrpc/connect';
import { Namespaces } from '@stowage/api/namespaces/v1';
import { validateIdentifier } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { namespaceFromWire, namespaceToWire } from './convert.ts';
import type { NamespaceStore } from './namespace-store.ts';

/** A store behind any Connect transport. */
export function remoteNamespaces(transport: Transport): NamespaceStore {
  const rpc = rpcClient(Namespaces, transport);
  // containerd before 1.7 tells of a change in the namespace of its caller, and fails after it if there is none.
  const within = (namespace: string) => {
    validateIdentifier(namespace, 'namespace');
    return rpcClient(Namespaces, transport, { namespace });
  };
  return {
    async get(name, { signal } = {}) {
      return namespaceFromWire((await rpc.get({ name }, { signal })).namespace);
    },
    async *list({ signal } = {}) {
      const { namespaces } = await rpc.list({}, { signal });
      for (const namespace of namespaces) yield namespaceFromWire(namespace);
    },
    async create(namespace, { signal } = {}) {
      const request = { namespace: namespaceToWire(namespace) };
      return namespaceFromWire((await within(namespace.name).create(request, { signal })).namespace);
    },
    async update(namespace, paths = [], { signal } = {}) {
      const { name } = namespace;
      const request = { namespace: namespaceToWire(namespace), updateMask: { paths: [...paths] } };
      const updated = (await within(name).update(request, { signal })).namespace;
      // containerd answers an empty one, or none.
      if (updated?.name === name) return namespaceFromWire(updated);
      return namespaceFromWire((await rpc.get({ name }, { signal })).namespace);
    },
    async delete(name, { signal } = {}) {
      await within(name).delete({ name }, { signal });
    },
  };
}
