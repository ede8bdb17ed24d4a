import { join } from 'node:path';
import { contentServiceSlot, contentSlot } from '@stowage/content';
import { all, Fault, noConfig, optional, plugin, type Scope, Skip } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { type Differ, differSlot, diffServiceSlot } from './differ.ts';
import { firstDiffer } from './first-differ.ts';
import { locateProcessors } from './locate-processors.ts';
import { diffRoutes } from './service.ts';
import { DIFF_SERVICE_DEFAULTS, diffServiceConfig } from './service-config.ts';
import { findGunzip, Packer, ProcessPacker, ProcessUnpacker, Unpacker, walkingDiffer } from './walking.ts';
import { WALKING_DEFAULTS, walkingConfig } from './walking-config.ts';

/** The differ that makes and unpacks archives, over the content that the caller's namespace sees. */
export const walkingDifferPlugin = plugin({
  slot: differSlot,
  id: 'walking',
  config: walkingConfig,
  defaults: WALKING_DEFAULTS,
  platforms: [{ os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }],
  needs: { content: optional(contentServiceSlot), store: optional(contentSlot) },
  async start({ needs: { content, store }, state, log, config: { place, levels, processors } }) {
    if (process.platform !== 'linux') throw new Skip('layers need Linux');
    const contentOf = content ?? (store === undefined ? undefined : () => store);
    if (contentOf === undefined) throw new Skip('no content store is loaded');
    const gunzip = await findGunzip();
    const apart = place === 'process';
    const packer = await (apart ? ProcessPacker : Packer).open({ directory: join(state, 'views') });
    const unpacker = await (apart ? ProcessUnpacker : Unpacker).open({ jail: join(state, 'jail') });
    const options = { gunzip, processors: await locateProcessors(processors, log), packer, levels };
    const scoped = (scope: Scope): Differ => walkingDiffer(contentOf(scope), unpacker, options);
    return Object.assign(scoped, {
      async [Symbol.asyncDispose]() {
        await packer[Symbol.asyncDispose]();
        await unpacker[Symbol.asyncDispose]();
      },
    });
  },
});

/** The differs of the daemon as one: each call goes to the first that knows the media type. */
export const diffServicePlugin = plugin({
  slot: diffServiceSlot,
  id: 'diff-service',
  config: diffServiceConfig,
  defaults: DIFF_SERVICE_DEFAULTS,
  needs: { differs: all(differSlot) },
  start({ needs: { differs }, config }) {
    if (differs.size === 0) throw new Skip('no differ is loaded');
    const chosen = config.default.map((id) => {
      const differ = differs.get(id);
      if (differ !== undefined) return differ;
      const known = [...differs.keys()].join(', ');
      throw new Fault(
        'failed_precondition',
        `default: differ ${JSON.stringify(id)} is not loaded, only ${known}`,
      );
    });
    return (scope: Scope): Differ => {
      const differ = firstDiffer(chosen.map((scoped) => scoped(scope)));
      return config.syncFs ? synced(differ) : differ;
    };
  },
});

const synced = (differ: Differ): Differ => ({
  ...differ,
  apply: (layer, mounts, options) => differ.apply(layer, mounts, { ...options, syncFs: true }),
});

/** Puts diff.v1 on the daemon's server: from the service, or, where none is composed, from the differs as listed. */
export const diffGrpcPlugin = plugin({
  slot: grpcSlot,
  id: 'diff',
  config: noConfig,
  needs: { service: optional(diffServiceSlot), differs: all(differSlot) },
  start({ needs: { service, differs } }) {
    if (service === undefined && differs.size === 0) throw new Skip('no differ is loaded');
    return diffRoutes(
      service ?? ((scope) => firstDiffer([...differs.values()].map((scoped) => scoped(scope)))),
    );
  },
});
