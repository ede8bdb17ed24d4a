import { abortable, Fault, reasonOf } from '@stowage/core';
import type { ProcessState } from '@stowage/runtime';
import { readBootstrap } from './bundle.ts';
import type { ShimContext } from './context.ts';
import { bury, buryLater, discardTask } from './end-task.ts';
import { inTime } from './in-time.ts';
import { readLog } from './log-reader.ts';
import type { ShimTask } from './task.ts';

/** containerd's timeout `shim.load`. */
const LOAD_MS = 5000;

/**
 * Finds the task of an earlier process again, and tells what happened to it in between. One whose shim is gone is
 * buried; one whose shim does not answer is kept, since it may come round.
 *
 * @see containerd core/runtime/v2/shim_load.go
 */
export async function adoptTask(context: ShimContext, task: ShimTask): Promise<void> {
  const { tasks, connections, log } = context;
  const { namespace, id } = task;
  using _lock = await tasks.lock(task);
  const bootstrap = await readBootstrap(task.bundle).catch((e: unknown) => {
    log.error({ namespace, id, reason: reasonOf(e) }, 'how a shim is reached can not be read');
    return undefined;
  });
  if (bootstrap === undefined) return lose(context, task);
  try {
    const lease = await abortable(connections.acquire(bootstrap.path), AbortSignal.timeout(LOAD_MS));
    const { connection } = task.attach(lease, bootstrap.version).lease;
    connection.keep(readLog(task.bundle, { namespace, id }, log));
  } catch (e) {
    log.warn({ namespace, id, reason: reasonOf(e) }, 'a shim is not there any more');
    return lose(context, task);
  }
  try {
    const init = await ask(task, '');
    // The shim never made it, or has deleted it.
    if (init === undefined) return await discardTask(context, task, { bundleToo: true });
    task.pid = init.pid;
    await tellMissed(context, task, init);
  } catch (e) {
    if (!task.isServed) return lose(context, task);
    log.warn({ namespace, id, reason: reasonOf(e) }, 'a shim does not answer; its task is kept');
  }
  task.phase = 'there';
  buryLater(context, task);
}

async function lose(context: ShimContext, task: ShimTask): Promise<void> {
  // Nobody was ever told of a task that was not made.
  if (!task.made) await discardTask(context, task, { bundleToo: true });
  else await bury(context, task);
}

/** Exits of execs before that of the init, as a shim tells them. */
async function tellMissed(
  { relay, records }: ShimContext,
  task: ShimTask,
  init: ProcessState,
): Promise<void> {
  for (const execId of [...task.execs.keys()]) {
    const state = await ask(task, execId);
    if (state === undefined) task.dropExec(execId);
    else await tellIfStopped(state, execId);
  }
  await tellIfStopped(init, '');
  await records.put(task, task.record);

  async function tellIfStopped(
    { status, exitStatus, exitedAt, pid }: ProcessState,
    execId: string,
  ): Promise<void> {
    if (execId !== '') task.execs.set(execId, status === 'created' ? null : pid);
    if (status !== 'stopped') return;
    const exit = { exitStatus, exitedAt: exitedAt ?? new Date() };
    await relay.tellExit(task, execId, exit);
    task.exits.tell(execId, exit);
  }
}

async function ask(task: ShimTask, execId: string): Promise<ProcessState | undefined> {
  const { id, line } = task;
  const process = execId === '' ? { id } : { id, execId };
  try {
    return await inTime(`state of ${id}`, LOAD_MS, {}, async (o) => line?.calls.state(process, o));
  } catch (e) {
    if (Fault.is(e, 'not_found')) return undefined;
    throw e;
  }
}
