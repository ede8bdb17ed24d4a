import { dirname } from 'node:path';
import { noConfig, type Plugin, plugin, type Slot } from '@stowage/core';
import { eventsSlot } from '@stowage/events';
import { runtimeSlot } from '@stowage/runtime';
import { sandboxerSlot } from '@stowage/sandboxes';
import { ShimRuntime } from './shim-runtime.ts';

/**
 * Runs containers by shim binaries: of every runtime name that no other runtime before it serves, and of absolute paths.
 * They are looked for in PATH, then beside the daemon.
 */
export const shimRuntimePlugin = plugin({
  slot: runtimeSlot,
  id: 'shim',
  config: noConfig,
  needs: { events: eventsSlot },
  start: ({ state, needs: { events }, log }) => {
    const [, program] = process.argv;
    return ShimRuntime.open({ state, events, log, beside: program && dirname(program) });
  },
});

/** The runtime above: other shims than its own would report elsewhere. */
const shimRuntimeSlot: Slot<ShimRuntime> = { type: runtimeSlot.type, id: 'shim', api: runtimeSlot.api };

/** Runs sandboxes by shim binaries, under containerd's name for it. */
export const shimSandboxesPlugin: Plugin = plugin({
  slot: sandboxerSlot,
  id: 'shim',
  config: noConfig,
  needs: { shims: shimRuntimeSlot },
  start: ({ state, needs: { shims } }) => shims.openSandboxes(state),
});
