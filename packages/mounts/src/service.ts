import { Mounts } from '@stowage/api/mounts/v1';
import { cleanLabels, Fault, type Scoped } from '@stowage/core';
import { mountFromWire, type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { activationToWire } from './convert.ts';
import type { MountManager } from './mount-manager.ts';

/** Serves mount managers by scope as `containerd.services.mounts.v1.Mounts`. */
export function mountRoutes(mounts: Scoped<MountManager>): Routes {
  return serviceRoutes(Mounts, {
    async activate({ name, mounts: wanted, labels, temporary }, context) {
      const options = { labels: cleanLabels(labels), temporary, signal: context.signal };
      const made = await mounts(scopeOf(context)).activate(name, wanted.map(mountFromWire), options);
      return { info: activationToWire(made) };
    },
    async deactivate({ name }, context) {
      await mounts(scopeOf(context)).deactivate(name, { signal: context.signal });
      return {};
    },
    async info({ name }, context) {
      const { signal } = context;
      return { info: activationToWire(await mounts(scopeOf(context)).info(name, { signal })) };
    },
    async update({ info, updateMask }, context) {
      const { signal } = context;
      if (info === undefined) throw new Fault('invalid_argument', 'activation is required');
      const { name, labels } = info;
      const paths = updateMask?.paths ?? [];
      const updated = await mounts(scopeOf(context)).update(name, labels, paths, { signal });
      return { info: activationToWire(updated) };
    },
    async *list({ filters }, context) {
      const { signal } = context;
      for await (const activation of mounts(scopeOf(context)).list(filters, { signal }))
        yield { info: activationToWire(activation) };
    },
  });
}
