import { containerServiceSlot } from '@stowage/containers';
import { Fault, plugin, quote, type Slot } from '@stowage/core';
import { eventsSlot } from '@stowage/events';
import { parseDurationMs } from '@stowage/gc';
import { namespaceServiceSlot } from '@stowage/namespaces';
import { snapshotServiceSlot } from '@stowage/snapshots';
import { taskServiceSlot } from '@stowage/tasks';
import { RestartMonitor } from './monitor.ts';

const restartSlot: Slot<AsyncDisposable> = { type: 'io.containerd.internal.v1', id: 'restart', api: 1 };

const DEFAULTS = { interval: '10s' };

/** Keeps containers running, as clients such as nerdctl ask by labels. */
export const restartMonitorPlugin = plugin({
  slot: restartSlot,
  id: 'restart',
  config: parseConfig,
  defaults: DEFAULTS,
  needs: {
    namespaces: namespaceServiceSlot,
    containers: containerServiceSlot,
    tasks: taskServiceSlot,
    snapshots: snapshotServiceSlot,
    events: eventsSlot,
  },
  start: ({ needs, config, log }) => new RestartMonitor({ ...needs, ...config, log }),
});

/** Settings of containerd's plugin of the same name: `interval`. */
function parseConfig(table: Readonly<Record<string, unknown>>): { intervalMs: number } {
  const unknown = Object.keys(table).find((key) => key !== 'interval');
  if (unknown !== undefined)
    throw new Fault('invalid_argument', `${quote(unknown)}: unknown key; there is "interval"`);
  const { interval = DEFAULTS.interval } = table;
  const intervalMs = typeof interval === 'string' ? parseDurationMs(interval) : undefined;
  if (intervalMs === undefined || intervalMs < 100)
    throw new Fault('invalid_argument', '"interval": expected a duration of at least "100ms", such as "10s"');
  return { intervalMs };
}
