import { Fault, plugin, quote } from '@stowage/core';
import { eventsSlot } from '@stowage/events';
import { runtimeSlot } from '@stowage/runtime';
import { GROUPINGS, type Grouping } from './daemon/groups.ts';
import { LIFETIMES, type Lifetime } from './daemon/supervisor-pool.ts';
import { RuncRuntime } from './runc-runtime.ts';

export interface RuncConfig {
  /** OCI runtime: name in PATH, or path. */
  readonly runtime: string;
  /** Where the OCI runtime keeps its own state; empty for a directory of the plugin's. */
  readonly root: string;
  /** Which containers share a supervisor process: all ("one"), those of a namespace, or those of a pod. */
  readonly supervisors: Grouping;
  /**
   * Whether supervisors and containers go on when the plugin stops ("detached"), those with containers alone ("needed"), or
   * none ("owned").
   */
  readonly lifetime: Lifetime;
}

const defaults: RuncConfig = { runtime: 'runc', root: '', supervisors: 'one', lifetime: 'detached' };

/** Runs containers of `io.containerd.runc.v2`, which every client asks for unless told otherwise. */
export const runcRuntimePlugin = plugin({
  slot: runtimeSlot,
  id: 'runc',
  config: parseConfig,
  defaults: { ...defaults },
  needs: { events: eventsSlot },
  start: ({ state, config: { root, ...config }, needs: { events }, log }) =>
    RuncRuntime.open({ state, root: root || undefined, ...config, events, log }),
});

function parseConfig(table: Readonly<Record<string, unknown>>): RuncConfig {
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(defaults, key)) {
      throw new Fault(
        'invalid_argument',
        `${quote(key)}: unknown key; there are ${Object.keys(defaults).map(quote).join(', ')}`,
      );
    }
    if (typeof value !== 'string') throw new Fault('invalid_argument', `${quote(key)}: expected a string`);
  }
  const config = { ...defaults, ...(table as Partial<RuncConfig>) };
  if (config.runtime === '') throw new Fault('invalid_argument', '"runtime": must not be empty');
  if (!GROUPINGS.includes(config.supervisors)) {
    throw new Fault('invalid_argument', `"supervisors": expected one of ${GROUPINGS.map(quote).join(', ')}`);
  }
  if (!LIFETIMES.includes(config.lifetime)) {
    throw new Fault('invalid_argument', `"lifetime": expected one of ${LIFETIMES.map(quote).join(', ')}`);
  }
  return config;
}
