import type { Transport } from '@connectrpc/connect';
import { Mounts } from '@stowage/api/mounts/v1';
import { cleanLabels, type Scope } from '@stowage/core';
import { mountToWire, rpcClient } from '@stowage/rpc';
import { activationFromWire } from './convert.ts';
import type { MountManager } from './mount-manager.ts';

/** One scope's mount manager behind any Connect transport. */
export function remoteMounts(transport: Transport, scope: Scope): MountManager {
  const rpc = rpcClient(Mounts, transport, scope);
  return {
    async activate(name, mounts, { labels = {}, temporary = false, signal } = {}) {
      const request = { name, mounts: mounts.map(mountToWire), labels: cleanLabels(labels), temporary };
      return activationFromWire((await rpc.activate(request, { signal })).info);
    },
    async deactivate(name, { signal } = {}) {
      await rpc.deactivate({ name }, { signal });
    },
    async info(name, { signal } = {}) {
      return activationFromWire((await rpc.info({ name }, { signal })).info);
    },
    async update(name, labels, paths = [], { signal } = {}) {
      const request = { info: { name, labels: { ...labels } }, updateMask: { paths: [...paths] } };
      return activationFromWire((await rpc.update(request, { signal })).info);
    },
    async *list(filters = [], { signal } = {}) {
      for await (const { info } of rpc.list({ filters: [...filters] }, { signal }))
        yield activationFromWire(info);
    },
  };
}
