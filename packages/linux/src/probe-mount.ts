import { Worker } from 'node:worker_threads';
import type { Mount } from '@stowage/core';
import type { ProbedMount, ProbeOperations } from './linux-probe-worker.ts';
import { WorkerCalls } from './worker-calls.ts';
import { workerOptions } from './worker-options.ts';

export type { ProbedMount } from './linux-probe-worker.ts';

/**
 * Tries whether the kernel makes these mounts here, in a mount namespace that nobody sees and that is gone when this
 * settles, whatever happens.
 *
 * @returns what is at `target` with the mounts in place.
 * @throws the kernel's refusal, a SystemError.
 */
export async function probeMount(mounts: readonly Mount[], target: string): Promise<ProbedMount> {
  const file = import.meta.url.endsWith('.ts') ? './linux-probe-worker.ts' : './linux-probe-worker.js';
  await using calls = new WorkerCalls<ProbeOperations>(
    'mount probe',
    () => new Worker(new URL(file, import.meta.url), workerOptions('linux-probe')),
  );
  return await calls.call('probe', mounts, target);
}
