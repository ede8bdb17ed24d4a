import { Fault, plugin, quote } from '@stowage/core';
import { eventsSlot } from '@stowage/events';
import { runtimeSlot } from '@stowage/runtime';
import { RuncRuntime } from './runc-runtime.ts';

export interface RuncConfig {
  /** OCI runtime: name in PATH, or path. */
  readonly runtime: string;
  /** Where the OCI runtime keeps its own state; empty for a directory of the plugin's. */
  readonly root: string;
}

const defaults: RuncConfig = { runtime: 'runc', root: '' };

/** Runs containers of `io.containerd.runc.v2`, which every client asks for unless told otherwise. */
export const runcRuntimePlugin = plugin({
  slot: runtimeSlot,
  id: 'runc',
  config: parseConfig,
  defaults: { ...defaults },
  needs: { events: eventsSlot },
  start: ({ state, config: { runtime, root }, needs, log }) =>
    RuncRuntime.open({ state, runtime, root: root === '' ? undefined : root, events: needs.events, log }),
});

function parseConfig(table: Readonly<Record<string, unknown>>): RuncConfig {
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(defaults, key)) {
      throw new Fault('invalid_argument', `${quote(key)}: unknown key; there are "runtime" and "root"`);
    }
    if (typeof value !== 'string') throw new Fault('invalid_argument', `${quote(key)}: expected a string`);
  }
  const config = { ...defaults, ...(table as Partial<RuncConfig>) };
  if (config.runtime === '') throw new Fault('invalid_argument', '"runtime": must not be empty');
  return config;
}
