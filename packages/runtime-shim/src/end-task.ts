import { setTimeout as delay } from 'node:timers/promises';
import { type CallOptions, Fault, reasonOf } from '@stowage/core';
import { hasCode } from '@stowage/linux';
import type { Exit } from '@stowage/runtime';
import { removeBundle, unmountRootfs } from './bundle.ts';
import type { ShimContext } from './context.ts';
import { deleteByBinary } from './delete-binary.ts';
import { inTime } from './in-time.ts';
import type { ShimTask } from './task.ts';

/** containerd's timeout `shim.shutdown`. */
const SHUTDOWN_MS = 3000;
/** How long a shim may take to undo what was given up. */
const DISCARD_MS = 5000;
/** How long the shim's own word that a task is gone is waited for. */
const EVENT_MS = 2000;

/** How long after a call fails the end of its shim may be noticed. */
const NOTICE_MS = 500;
/** containerd's word for an exit that nobody knows. */
const UNKNOWN_EXIT = 255;

/**
 * Deletes a task that has stopped: has its shim delete it, ends the shim if it serves nothing else, has its binary clean
 * up, unmounts what is left. The bundle is the caller's.
 *
 * @throws what the shim says; nothing has changed then.
 */
export async function deleteTask(
  context: ShimContext,
  task: ShimTask,
  options: CallOptions = {},
): Promise<Exit & { pid: number }> {
  using _lock = await context.tasks.lock(task, options.signal);
  if (task.phase !== 'there' || task.line === undefined) throw missing(task);
  let exit: Exit & { pid: number };
  task.isDeleting = true;
  try {
    exit = await task.line.calls.delete({ id: task.id }, options);
  } catch (e) {
    if (Fault.is(e, 'unavailable')) await Promise.race([task.line.lease.connection.gone, delay(NOTICE_MS)]);
    if (!task.isServed) return { ...(await bury(context, task)), pid: task.pid };
    if (!Fault.is(e, 'not_found')) {
      task.isDeleting = false;
      throw e;
    }
    exit = { ...(task.exits.get('') ?? { exitStatus: UNKNOWN_EXIT, exitedAt: new Date() }), pid: task.pid };
  }
  task.phase = 'ending';
  await Promise.all([
    shutDown(context, task),
    Promise.race([task.gone.promise, delay(EVENT_MS, undefined, { ref: false })]),
  ]);
  await context.relay.tellKnownExits(task);
  await context.relay.tellExit(task, '', exit);
  await context.relay.tellGone(task, exit);
  await cleanUp(context, task, { bundleToo: false });
  return exit;
}

/** Leaves nothing of a task that was never made, except its bundle. */
export async function discardTask(
  context: ShimContext,
  task: ShimTask,
  { bundleToo = false } = {},
): Promise<void> {
  task.phase = 'ending';
  if (task.isServed) {
    const { line, id } = task;
    // A create that was given up is finished first; of one that failed there is nothing to delete.
    await inTime(`delete ${id}`, DISCARD_MS, {}, async (o) => line?.calls.delete({ id }, o)).catch(() => {});
    await shutDown(context, task);
    if (task.line?.lease.isLast && task.isServed) killShim(context, task);
  }
  await cleanUp(context, task, { bundleToo });
}

/** Once its shim ends unasked, everybody is told what became of the task, and it is cleared away. */
export function buryLater(context: ShimContext, task: ShimTask): void {
  const { namespace, id } = task;
  const buryNow = async () => {
    using _lock = await context.tasks.lock(task);
    if (task.phase === 'there') await bury(context, task);
  };
  task.watch = task.line?.lease.connection.onGone(() => {
    buryNow().catch((err: unknown) =>
      context.log.error({ err, namespace, id }, 'clearing away a task failed'),
    );
  });
}

/** Under the task's lock. Nobody will delete it, so its bundle goes too. */
export async function bury(context: ShimContext, task: ShimTask): Promise<Exit> {
  const { relay, log } = context;
  const { namespace, id } = task;
  task.phase = 'ending';
  log.warn({ namespace, id, binary: task.binary }, 'the shim of a task is gone; the task is cleared away');
  const said = await byBinary(context, task);
  const exit = task.exits.get('') ?? said ?? { exitStatus: UNKNOWN_EXIT, exitedAt: new Date() };
  for (const [execId, pid] of task.execs) if (pid !== null) task.exits.tell(execId, said ?? exit);
  await relay.tellKnownExits(task);
  await relay.tellExit(task, '', exit);
  await relay.tellGone(task, exit);
  await clearAway(context, task, { bundleToo: true });
  return exit;
}

async function cleanUp(context: ShimContext, task: ShimTask, how: { bundleToo: boolean }): Promise<void> {
  await byBinary(context, task);
  await clearAway(context, task, how);
}

async function byBinary({ at, log }: ShimContext, task: ShimTask): Promise<Exit | undefined> {
  const { namespace, id } = task;
  try {
    return await deleteByBinary(task, at);
  } catch (e) {
    // Of a container that was never made, or is gone, many have nothing to say.
    const level = task.made && !task.isGone ? 'error' : 'debug';
    log[level]({ namespace, id, reason: reasonOf(e) }, 'a shim could not clean up after a task');
    return undefined;
  }
}

async function clearAway(
  context: ShimContext,
  task: ShimTask,
  { bundleToo }: { bundleToo: boolean },
): Promise<void> {
  const { mounter, records, tasks, log } = context;
  const { namespace, id, bundle } = task;
  try {
    await unmountRootfs(bundle, mounter);
    if (bundleToo) await removeBundle(bundle);
  } catch (e) {
    log.error(
      { namespace, id, bundle, reason: reasonOf(e) },
      'the bundle of a task could not be cleared away',
    );
  }
  await task.line?.lease[Symbol.asyncDispose]();
  await records.remove(task);
  tasks.remove(task);
  clearTimeout(task.later);
  task.watch?.[Symbol.dispose]();
  task.exits.close(missing(task));
}

/** The shim decides: one that serves other containers stays. */
async function shutDown({ log }: ShimContext, task: ShimTask): Promise<void> {
  const { namespace, id, line } = task;
  if (line === undefined) return;
  const { connection } = line.lease;
  try {
    await inTime(`shut down the shim of ${id}`, SHUTDOWN_MS, {}, (o) => line.calls.shutdown({ id }, o));
  } catch (e) {
    // It may be gone before it answers.
    if (!Fault.is(e, 'unavailable'))
      log.error({ namespace, id, reason: reasonOf(e) }, 'a shim would not shut down');
  }
  if (!line.lease.isLast) return;
  const left = await Promise.race([connection.gone, delay(SHUTDOWN_MS, 'there', { ref: false })]);
  if (left === 'there')
    log.error({ namespace, id, pid: task.shimPid }, 'a shim that serves nothing more does not end');
}

function killShim({ log }: ShimContext, { namespace, id, shimPid }: ShimTask): void {
  if (shimPid === 0) return;
  log.warn({ namespace, id, pid: shimPid }, 'a shim that would not end is killed');
  try {
    process.kill(shimPid, 'SIGKILL');
  } catch (e) {
    if (!hasCode(e, 'ESRCH')) throw e;
  }
}

export function missing({ namespace, id }: { readonly namespace: string; readonly id: string }): Fault {
  return new Fault('not_found', `task ${id}: there is none in namespace ${namespace}`);
}
