import { availableParallelism, loadavg } from 'node:os';

/** On a machine with more work than this per processor, a slow answer says nothing of the daemon. */
const BUSY_LOAD = 1.5;
const BUSY_FACTOR = 5;

/** Whether the machine has other work. */
export function isBusy(): boolean {
  const [load = 0] = loadavg();
  return load >= BUSY_LOAD * availableParallelism();
}

/** How long something may take that must be done in `limitMs` on a machine that does nothing else. */
export function patience(limitMs: number): number {
  return isBusy() ? limitMs * BUSY_FACTOR : limitMs;
}
