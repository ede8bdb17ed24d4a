import { readdir } from 'node:fs/promises';
import { type ELDHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Collector } from '../collector.ts';
import type { Family, Sample } from '../exposition.ts';

/** How often the event loop is looked at. */
const RESOLUTION_MS = 50;
const NS = 1e9;

/**
 * This process: its memory, processor time, descriptors, and how its event loop does. Figures of the loop are those since they were last asked
 * for. Names are those that other programs for Node and for Prometheus have.
 */
export class ProcessCollector implements Collector, Disposable {
  readonly name = 'process';
  readonly #delay: ELDHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #utilization = performance.eventLoopUtilization();

  constructor() {
    this.#delay.enable();
  }

  async collect(): Promise<Family[]> {
    const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const descriptors = await readdir('/proc/self/fd');
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization);
    this.#utilization = now;
    const families = [
      gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', rss),
      gauge('process_start_time_seconds', 'Start time since the epoch in seconds.', startTime()),
      gauge('process_open_fds', 'Number of open file descriptors.', descriptors.length),
      counter('process_cpu_seconds_total', 'Total CPU time in seconds.', (user + system) / 1e6),
      gauge('nodejs_heap_size_total_bytes', 'Size of the JavaScript heap in bytes.', heapTotal),
      gauge('nodejs_heap_size_used_bytes', 'What of the JavaScript heap is used, in bytes.', heapUsed),
      gauge('nodejs_external_memory_bytes', 'Memory of objects outside of the heap, in bytes.', external),
      gauge('nodejs_array_buffers_bytes', 'Memory of buffers, in bytes.', arrayBuffers),
      gauge(
        'nodejs_eventloop_utilization',
        'Share of the time in which the event loop was busy.',
        utilization,
      ),
      ...this.#lag(),
      activeResources(),
    ];
    this.#delay.reset();
    return families;
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }

  /** What comes on top of the time between looks. */
  #lag(): Family[] {
    const seconds = (ns: number) => Math.max(0, ns / NS - RESOLUTION_MS / 1000) || 0;
    const { mean, max } = this.#delay;
    const one = (what: string, ns: number) =>
      gauge(`nodejs_eventloop_lag_${what}seconds`, 'How late the event loop was, in seconds.', seconds(ns));
    const percentiles = [50, 90, 99].map((p) => one(`p${p}_`, this.#delay.percentile(p)));
    return [one('mean_', mean), one('max_', max), ...percentiles];
  }
}

function activeResources(): Family {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  const samples = [...counts].map(([type, value]): Sample => ({ labels: { type }, value }));
  return {
    name: 'nodejs_active_resources',
    help: 'What keeps the event loop going, by type.',
    type: 'gauge',
    samples,
  };
}

function startTime(): number {
  return performance.timeOrigin / 1000;
}

function gauge(name: string, help: string, value: number): Family {
  return { name, help, type: 'gauge', samples: [{ value }] };
}

function counter(name: string, help: string, value: number): Family {
  return { name, help, type: 'counter', samples: [{ value }] };
}
