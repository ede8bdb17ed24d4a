import { join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';
import { hasCode } from '@stowage/linux';
import { isSameProcess, UNKNOWN_STATUS } from '@stowage/linux/reap';
import type { SupervisorContext } from './context.ts';
import { execPidFile } from './execs.ts';
import { awaitCommands } from './left-commands.ts';
import { adoptIO } from './open-io.ts';
import { restoredPid } from './restore.ts';
import { readPid, Task } from './task.ts';
import { wasStarted } from './task-lifecycle.ts';
import { TaskProcess } from './task-process.ts';
import { changeOwner, readTaskRecord, type TaskRecord } from './task-record.ts';
import type { TaskRegistry } from './task-registry.ts';
import { directoriesIn, removeUnrecorded } from './unrecorded.ts';

/**
 * Goes on with the tasks that a supervisor left behind when it died. The caller holds that one's lock.
 *
 * A task that can't be gone on with is logged and left as it is.
 *
 * @param owner - name of the dead one, which may be this one's own; undefined for whoever there was.
 */
export async function adoptTasks(
  context: SupervisorContext,
  registry: TaskRegistry,
  owner: string | undefined,
): Promise<void> {
  await removeUnrecorded(context.tasks, owner);
  for (const namespace of await directoriesIn(context.tasks)) {
    const directory = join(context.tasks, namespace);
    for (const id of await directoriesIn(directory)) {
      try {
        await adoptFrom(context, registry, join(directory, id), owner);
      } catch (err) {
        context.log.error({ err, namespace, id }, 'taking over a task failed');
      }
    }
  }
}

async function adoptFrom(
  context: SupervisorContext,
  registry: TaskRegistry,
  directory: string,
  owner: string | undefined,
): Promise<void> {
  const record = await readTaskRecord(directory);
  if (record === undefined || (owner !== undefined && record.owner !== owner)) return;
  const ours = record.owner === context.owner ? record : await changeOwner(directory, record, context.owner);
  await adoptTask(context, registry, ours);
}

async function adoptTask(
  context: SupervisorContext,
  registry: TaskRegistry,
  record: TaskRecord,
): Promise<void> {
  const { execs, paused, oom } = record;
  const task = Task.fromRecord(context, record);
  const { init } = task;
  if (init.phase === 'creating' || init.phase === 'starting') {
    await awaitCommands(task.runtime.log(), context.reaper);
  }
  if (init.phase === 'creating') {
    // Nobody was told of it, and whoever asked for it was told that the call failed.
    await task.abandon();
    return;
  }
  if (init.phase === 'starting') {
    const restored = task.facts.restore === undefined ? undefined : await restoredPid(task);
    if (restored !== undefined) init.found(restored);
    const started = task.facts.restore === undefined ? await wasStarted(task) : restored !== undefined;
    init.phase = started ? 'running' : 'created';
  }
  task.paused = paused ? 'yes' : 'no';
  registry.adopt(task);
  if (init.phase !== 'stopped' && init.pid !== 0) await task.memory.watch(oom);
  for (const { execId, ...exec } of execs) {
    const process = TaskProcess.fromRecord(`exec ${execId} in ${record.id}`, exec);
    task.execs.set(execId, process);
    await adoptProcess(context, task, process, execId);
  }
  await adoptProcess(context, task, init);
}

async function adoptProcess(
  context: SupervisorContext,
  task: Task,
  process: TaskProcess,
  execId?: string,
): Promise<void> {
  if (process.phase === 'starting' && execId !== undefined) {
    await awaitCommands(task.runtime.log(execId), context.reaper);
    await settleExec(task, process, execId);
  }
  if (process.phase === 'stopped') {
    // Written down, but it is not known whether it was told. Better twice than never.
    if (!process.announced && process.exit !== undefined) await task.ended(process, process.exit, execId);
    return;
  }
  if (process.pid === 0) return;
  process.io = await adoptIO(process, task.ioPlace(execId), context);
  context.handover.keep(task.ref(execId), process);
  if (isLeft(process)) {
    try {
      task.follow(process, context.reaper.watch(process.pid), execId);
      return;
    } catch (e) {
      if (!hasCode(e, 'ESRCH')) throw e;
    }
  }
  const exit = { exitStatus: UNKNOWN_STATUS, exitedAt: new Date() };
  void task.ended(process, exit, execId);
}

function isLeft({ pid, startTime }: TaskProcess): boolean {
  return startTime === undefined || isSameProcess(pid, startTime);
}

/** An exec whose start nobody saw the end of runs if the runtime wrote its pid. */
async function settleExec(task: Task, exec: TaskProcess, execId: string): Promise<void> {
  try {
    exec.found(await readPid(execPidFile(task, execId)));
    exec.phase = 'running';
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT' && !Fault.is(e)) throw e;
    exec.phase = 'created';
  }
}
