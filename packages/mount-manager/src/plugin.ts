import { access } from 'node:fs/promises';
import { all, hostPlatform, noConfig, type Plugin, plugin, Skip } from '@stowage/core';
import { mountHandlerSlot, mountManagerSlot } from '@stowage/mounts';
import { MOUNT_DEFAULTS, parseMountConfig } from './config.ts';
import { LocalMountManager } from './local-mount-manager.ts';
import { LoopHandler } from './loop-handler.ts';

const CONTROL = '/dev/loop-control';

/** Mounts of type `loop`. */
export const loopHandlerPlugin: Plugin = plugin({
  slot: mountHandlerSlot,
  id: 'loop',
  config: noConfig,
  platforms: [hostPlatform()],
  async start() {
    await access(CONTROL).catch((cause: unknown) => {
      throw new Skip(`there is no ${CONTROL}`, { cause });
    });
    return new LoopHandler();
  },
});

/** Makes activations, with whichever handlers are composed. */
export const mountManagerPlugin: Plugin = plugin({
  slot: mountManagerSlot,
  id: 'local',
  config: parseMountConfig,
  defaults: MOUNT_DEFAULTS,
  platforms: [hostPlatform()],
  needs: { handlers: all(mountHandlerSlot) },
  start: ({ state, config: { roots }, needs: { handlers }, log, signal }) =>
    LocalMountManager.open(state, { roots, handlers, log, signal }),
});
