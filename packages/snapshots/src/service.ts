import type { HandlerContext } from '@connectrpc/connect';
import { type Info, Snapshots } from '@stowage/api/snapshots/v1';
import { cleanLabels, Fault } from '@stowage/core';
import { mountToWire, type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { infoToWire, usageToWire } from './convert.ts';
import type { SnapshotService, Snapshotter } from './snapshotter.ts';

/** Snapshots in one message of a list (containerd core/snapshots/proxy; plugins/services/snapshots). */
const PAGE = 100;

/** The service end of snapshots.v1: translates, and finds the snapshotter that each request names. */
export function snapshotRoutes(service: SnapshotService): Routes {
  const pick = (request: { snapshotter: string }, context: HandlerContext): Snapshotter => {
    if (request.snapshotter === '')
      throw new Fault('invalid_argument', 'the name of a snapshotter is required');
    return service.snapshotter(scopeOf(context), request.snapshotter);
  };
  return serviceRoutes(Snapshots, {
    async prepare(request, context) {
      const { key, parent, labels } = request;
      const options = { labels: cleanLabels(labels), signal: context.signal };
      const mounts = await pick(request, context).prepare(key, parent, options);
      return { mounts: mounts.map(mountToWire) };
    },
    async view(request, context) {
      const { key, parent, labels } = request;
      const options = { labels: cleanLabels(labels), signal: context.signal };
      const mounts = await pick(request, context).view(key, parent, options);
      return { mounts: mounts.map(mountToWire) };
    },
    async mounts(request, context) {
      const mounts = await pick(request, context).mounts(request.key, { signal: context.signal });
      return { mounts: mounts.map(mountToWire) };
    },
    async commit(request, context) {
      const { name, key, labels, parent } = request;
      await pick(request, context).commit(name, key, {
        labels: cleanLabels(labels),
        parent: parent === '' ? undefined : parent,
        signal: context.signal,
      });
      return {};
    },
    async remove(request, context) {
      await pick(request, context).remove(request.key, { signal: context.signal });
      return {};
    },
    async stat(request, context) {
      const info = await pick(request, context).stat(request.key, { signal: context.signal });
      return { info: infoToWire(info) };
    },
    async update(request, context) {
      const { info, updateMask } = request;
      if (info === undefined) throw new Fault('invalid_argument', 'update: info is required');
      const updated = await pick(request, context).update(info.name, info.labels, updateMask?.paths, {
        signal: context.signal,
      });
      return { info: infoToWire(updated) };
    },
    async *list(request, context) {
      let info: Info[] = [];
      const { signal } = context;
      for await (const item of pick(request, context).list(request.filters, { signal })) {
        if (info.push(infoToWire(item)) < PAGE) continue;
        yield { info };
        info = [];
      }
      if (info.length > 0) yield { info };
    },
    async usage(request, context) {
      return usageToWire(await pick(request, context).usage(request.key, { signal: context.signal }));
    },
    async cleanup(request, context) {
      await pick(request, context).cleanup({ signal: context.signal });
      return {};
    },
  });
}
