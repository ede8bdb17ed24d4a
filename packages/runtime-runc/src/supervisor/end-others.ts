import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '@stowage/core';
import type { Task } from './task.ts';

/** How long the end of an init waits for that of processes which were added, before it is told all the same. */
const LAST_EXEC_MS = 10_000;
const SIGKILL = 9;

/**
 * Settles when all processes that were added to a container whose init has ended are over. With its own pid namespace
 * the kernel has ended all others by now; else somebody must.
 */
export async function endOthers(task: Task): Promise<void> {
  if (!task.facts.ownPids) {
    await task.runtime.kill(SIGKILL, true).catch((e: unknown) => {
      if (!Fault.is(e, 'not_found')) task.complain('end processes', e);
    });
  }
  const others = Promise.all(
    [...task.execs.values()].map(async (exec) => {
      await exec.settling.catch(() => {});
      if (exec.phase === 'running') await exec.wait({}).catch(() => {});
    }),
  );
  const patience = new AbortController();
  const late = delay(LAST_EXEC_MS, 'late', { signal: patience.signal }).catch(() => undefined);
  if ((await Promise.race([others, late])) === 'late') {
    task.complain('wait for execs', new Error('a process outlives the init of its container'));
  }
  patience.abort();
}
