import { dirname } from 'node:path';
import { noConfig, plugin } from '@stowage/core';
import { eventsSlot } from '@stowage/events';
import { runtimeSlot } from '@stowage/runtime';
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
