import { readFile } from 'node:fs/promises';
import { errnoOf } from '@stowage/core';
import type { Runtime } from '@stowage/runtime';
import type { Collector } from '../collector.ts';
import type { Sample } from '../exposition.ts';

/** Memory of the processes that hold containers. One that has just ended has no series. */
export function runtimesCollector(runtimes: ReadonlyMap<string, Runtime>): Collector {
  return {
    name: 'runtimes',
    async collect() {
      const samples: Sample[] = [];
      for (const [name, runtime] of runtimes) {
        for (const { name: process, pid } of runtime.processes?.() ?? []) {
          const value = await residentBytes(pid);
          if (value !== undefined)
            samples.push({ labels: { runtime: name, supervisor: process, pid: String(pid) }, value });
        }
      }
      return [
        {
          name: 'stowage_supervisor_resident_memory_bytes',
          help: 'Resident memory of the processes that supervise containers.',
          type: 'gauge',
          samples,
        },
      ];
    },
  };
}

async function residentBytes(pid: number): Promise<number | undefined> {
  let status: string;
  try {
    status = await readFile(`/proc/${pid}/status`, 'utf8');
  } catch (e) {
    if (errnoOf(e) === 'ENOENT' || errnoOf(e) === 'ESRCH') return undefined;
    throw e;
  }
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
