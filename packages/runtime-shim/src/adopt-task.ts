import { abortable, Fault, reasonOf } from '@stowage/core';
import type { ProcessState } from '@stowage/runtime';
import { readBootstrap } from './bundle.ts';
import type { ShimContext } from './context.ts';
import { bury, buryLater, discardTask } from './end-task.ts';
import { inTime } from './in-time.ts';
import { readLog } from './log-reader.ts';
import { attachMember, isMember } from './sandbox/join-sandbox.ts';
import type { ShimTask } from './task.ts';

/** containerd's timeout `shim.load`. */
const LOAD_MS = 5000;
/** How long a shim has to tell what it could not: it tries again after one second, then two. */
const OWN_WORD_MS = 2500;

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
    if (await isMember(task.bundle)) attachMember(task, lease, bootstrap);
    else task.attach(lease, bootstrap.version);
    lease.connection.keep(readLog(task.bundle, { namespace, id }, log));
  } catch (e) {
    log.warn({ namespace, id, reason: reasonOf(e) }, 'a shim is not there any more');
    return lose(context, task);
  }
  try {
    const init = await ask(task, '');
    // The shim never made it, or has deleted it.
    if (init === undefined) return await discardTask(context, task, { bundleToo: true });
    task.pid = init.pid;
    await learnMissed(context, task, init);
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

/**
 * Whoever waits is told at once. Everybody is told later: a shim tells by itself what nobody took, in order with what
 * came before, and only what it gave up is told in its place.
 */
async function learnMissed(
  { relay, records }: ShimContext,
  task: ShimTask,
  init: ProcessState,
): Promise<void> {
  for (const execId of [...task.execs.keys()]) {
    const state = await ask(task, execId);
    if (state === undefined) task.dropExec(execId);
    else {
      task.execs.set(execId, state.status === 'created' ? null : state.pid);
      learn(state, execId);
    }
  }
  learn(init, '');
  await records.put(task, task.record);
  task.later = setTimeout(() => void relay.tellKnownExits(task), OWN_WORD_MS).unref();

  function learn({ status, exitStatus, exitedAt }: ProcessState, execId: string): void {
    if (status === 'stopped') task.exits.tell(execId, { exitStatus, exitedAt: exitedAt ?? new Date() });
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
