import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Operation } from '@stowage/operations';
import { type DebugHandler, sendJson } from './exchange.ts';

/** What the daemon is busy with. */
export interface Load {
  readonly connections: number;
  readonly calls: number;
  operations(options: { readonly signal: AbortSignal }): Promise<readonly Operation[]>;
}

const RESOLUTION_MS = 100;

/** What there is to know at a glance. */
export function variables(load: Load): { readonly send: DebugHandler } & Disposable {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let since = performance.eventLoopUtilization();
  const ms = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS) || 0;
  const send: DebugHandler = async ({ res, signal }) => {
    const [descriptors, operations] = await Promise.all([
      readdir('/proc/self/fd'),
      load.operations({ signal }),
    ]);
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, since);
    since = now;
    sendJson(res, {
      pid: process.pid,
      node: process.version,
      uptimeSeconds: process.uptime(),
      memory: process.memoryUsage(),
      heap: getHeapStatistics(),
      cpuMicroseconds: process.cpuUsage(),
      // Since they were last asked for.
      eventLoop: {
        utilization,
        lateMeanMs: ms(delay.mean),
        lateP99Ms: ms(delay.percentile(99)),
        lateMaxMs: ms(delay.max),
      },
      handles: countsOf(process.getActiveResourcesInfo()),
      descriptors: descriptors.length,
      connections: load.connections,
      calls: load.calls,
      operations: operations.map(({ id, kind, namespace, subject, startedAt, startedBy }) => ({
        ...{ id, kind, namespace, subject, startedAt, startedBy },
      })),
    });
    delay.reset();
  };
  return { send, [Symbol.dispose]: () => void delay.disable() };
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
