import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, Fault, unlessGone } from '@stowage/core';
import type { Exit } from '@stowage/runtime';
import type { Task } from './task.ts';

/** Starts the init of a container that was created. */
export async function startTask(task: Task, { signal }: CallOptions): Promise<number> {
  using _ = await task.locks.acquire([''], signal);
  const { init } = task;
  if (init.phase !== 'created') {
    throw new Fault('failed_precondition', `start ${init.name}: it is ${task.status(init)} already`);
  }
  init.phase = 'starting';
  const started = start(task, { signal });
  init.settling = started;
  try {
    await started;
    return init.pid;
  } catch (e) {
    if (init.phase !== 'starting') throw e;
    // A runtime that was killed at work may have done it.
    if (!signal?.aborted || !(await wasStarted(task))) {
      init.phase = 'created';
      throw e;
    }
    init.phase = 'running';
    await task.events.start(init.pid);
    return init.pid;
  }
}

async function start(task: Task, options: CallOptions): Promise<void> {
  const { init } = task;
  await task.record.save();
  await (task.facts.restore === undefined ? task.runtime.start(options) : task.restore(options));
  // From here on "starting" in the record reads as running, since the runtime knows that it was started.
  init.phase = 'running';
  await task.events.start(init.pid);
}

/**
 * Removes a container whose init has stopped, or was never started and is killed now. An interrupted removal is
 * finished by calling again.
 *
 * @param remove - takes the task out of the list, before its end is told.
 */
export async function deleteTask(
  task: Task,
  remove: () => void,
  { signal }: CallOptions,
): Promise<Exit & { pid: number }> {
  using _ = await task.locks.acquire([''], signal);
  const { init } = task;
  if (task.deleted) throw new Fault('not_found', `delete ${init.name}: it was deleted`);
  if (init.phase === 'running' || init.phase === 'starting') {
    throw new Fault('failed_precondition', `delete ${init.name}: it is ${task.status(init)}; kill it first`);
  }
  await unlessGone(task.runtime.delete());
  // What was to go on from a checkpoint and was not started has nobody to wait for.
  const exit = init.pid === 0 ? { exitStatus: 0, exitedAt: new Date(0) } : await init.wait({});
  await init.io?.flushed();
  await task.unmount();
  task.discard(init);
  for (const [execId, exec] of task.execs) task.discard(exec, execId);
  task.deleted = true;
  await task.forget();
  remove();
  await task.events.delete(init.pid, exit);
  return { pid: init.pid, ...exit };
}

/** runc and its like keep a FIFO with the state of a container until it is started. */
export async function wasStarted({ facts: { choice, id } }: Task): Promise<boolean> {
  try {
    await access(join(choice.root, id, 'exec.fifo'));
    return false;
  } catch {
    return true;
  }
}
