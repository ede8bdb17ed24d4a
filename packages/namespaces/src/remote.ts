import type { Transport } from '@connectrpc/connect';
import { Namespaces } from '@stowage/api/namespaces/v1';
import { rpcClient } from '@stowage/rpc';
import { namespaceFromWire, namespaceToWire } from './convert.ts';
import type { NamespaceStore } from './namespace-store.ts';

/** A store behind any Connect transport. */
export function remoteNamespaces(transport: Transport): NamespaceStore {
  const rpc = rpcClient(Namespaces, transport);
  return {
    async get(name, { signal } = {}) {
      return namespaceFromWire((await rpc.get({ name }, { signal })).namespace);
    },
    async *list({ signal } = {}) {
      const { namespaces } = await rpc.list({}, { signal });
      for (const namespace of namespaces) yield namespaceFromWire(namespace);
    },
    async create(namespace, { signal } = {}) {
      return namespaceFromWire(
        (await rpc.create({ namespace: namespaceToWire(namespace) }, { signal })).namespace,
      );
    },
    async update(namespace, paths = [], { signal } = {}) {
      const request = { namespace: namespaceToWire(namespace), updateMask: { paths: [...paths] } };
      return namespaceFromWire((await rpc.update(request, { signal })).namespace);
    },
    async delete(name, { signal } = {}) {
      await rpc.delete({ name }, { signal });
    },
  };
}
