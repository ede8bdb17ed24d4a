import { create } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { InfoSchema, Snapshots } from '@stowage/api/snapshots/v1';
import type { Scope } from '@stowage/core';
import { mountFromWire, rpcClient } from '@stowage/rpc';
import { infoFromWire, usageFromWire } from './convert.ts';
import type { SnapshotService, Snapshotter } from './snapshotter.ts';

/**
 * A snapshotter behind a transport: one of a daemon's, by name, or a proxy plugin.
 *
 * @param name - as the server knows it: `overlayfs`, `native`, ...
 */
export function remoteSnapshotter(transport: Transport, name: string, scope?: Scope): Snapshotter {
  const rpc = rpcClient(Snapshots, transport, scope);
  const snapshotter = name;
  return {
    async stat(key, { signal } = {}) {
      return infoFromWire((await rpc.stat({ snapshotter, key }, { signal })).info);
    },
    async update(key, labels, paths, { signal } = {}) {
      const request = {
        snapshotter,
        info: create(InfoSchema, { name: key, labels: { ...labels } }),
        ...(paths !== undefined && { updateMask: { paths: [...paths] } }),
      };
      return infoFromWire((await rpc.update(request, { signal })).info);
    },
    async usage(key, { signal } = {}) {
      return usageFromWire(await rpc.usage({ snapshotter, key }, { signal }));
    },
    async mounts(key, { signal } = {}) {
      return (await rpc.mounts({ snapshotter, key }, { signal })).mounts.map(mountFromWire);
    },
    async prepare(key, parent, { labels, signal } = {}) {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      return (await rpc.prepare(request, { signal })).mounts.map(mountFromWire);
    },
    async view(key, parent, { labels, signal } = {}) {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      return (await rpc.view(request, { signal })).mounts.map(mountFromWire);
    },
    async commit(name, key, { labels, parent, signal } = {}) {
      const request = { snapshotter, name, key, labels: { ...labels }, parent: parent ?? '' };
      await rpc.commit(request, { signal });
    },
    async remove(key, { signal } = {}) {
      await rpc.remove({ snapshotter, key }, { signal });
    },
    async *list(filters = [], { signal } = {}) {
      for await (const { info } of rpc.list({ snapshotter, filters: [...filters] }, { signal })) {
        yield* info.map(infoFromWire);
      }
    },
    async cleanup({ signal } = {}) {
      await rpc.cleanup({ snapshotter }, { signal });
    },
  };
}

/**
 * All snapshotters of a daemon.
 *
 * @param names - those that the caller knows to be there, best from introspection; others can be asked for too, and
 *   one that is not there answers `invalid_argument` at its first call.
 */
export function remoteSnapshotService(transport: Transport, names: readonly string[] = []): SnapshotService {
  return {
    names,
    snapshotter: (scope, name) => remoteSnapshotter(transport, name, scope),
  };
}
