import { type CallOptions, Fault } from '@stowage/core';
import type { ProcessId, ProcessState, TaskService, TaskStatus } from '@stowage/runtime';
import type { ShimContext } from './context.ts';
import { deleteTask, missing } from './end-task.ts';
import { inTime } from './in-time.ts';
import { makeTask } from './make-task.ts';
import type { ShimTask } from './task.ts';

/** containerd's timeout `task.state`. */
const STATE_MS = 2000;

/** One namespace's tasks: exits are told from what was heard, the rest each task's own shim is asked. */
export function shimTasks(context: ShimContext, namespace: string): TaskService {
  const there = (id: string): ShimTask => {
    const task = context.tasks.get({ namespace, id });
    if (task?.phase !== 'there') throw missing({ namespace, id });
    return task;
  };
  const shim = (id: string): TaskService => {
    const { line } = there(id);
    if (line === undefined) throw missing({ namespace, id });
    return line.calls;
  };
  const state = async (process: ProcessId, options: CallOptions = {}): Promise<ProcessState> => {
    const { id, execId = '' } = process;
    const calls = shim(id);
    const told = await inTime(`state of task ${id}`, STATE_MS, options, (o) => calls.state(process, o));
    const { status, exitStatus, exitedAt } = told;
    if (status === 'stopped') there(id).exits.tell(execId, { exitStatus, exitedAt: exitedAt ?? new Date(0) });
    return told;
  };
  /** Shims have no kind for what comes at the wrong time, so the state tells whether it did. */
  const when = async <T>(
    process: ProcessId,
    fit: readonly TaskStatus[],
    call: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await call();
    } catch (e) {
      if (!Fault.is(e, 'unknown')) throw e;
      const { status } = await state(process).catch(() => ({ status: undefined }));
      if (status === undefined || fit.includes(status)) throw e;
      throw new Fault('failed_precondition', `${e.message} (it is ${status})`, { cause: e });
    }
  };

  return {
    create: (request, options) => makeTask(context, namespace, request, options),
    async start(process, options) {
      const { id, execId = '' } = process;
      const started = await when(process, ['created'], async () => shim(id).start(process, options));
      if (execId !== '') {
        const task = there(id);
        task.execs.set(execId, started.pid);
        await context.records.put(task, task.record);
      }
      return started;
    },
    async delete(process, options) {
      const { id, execId = '' } = process;
      const task = there(id);
      const fit = ['created', 'stopped'] as const;
      if (execId === '') return when(process, fit, () => deleteTask(context, task, options));
      const deleted = await when(process, fit, async () => shim(id).delete(process, options));
      const reason = new Fault(
        'not_found',
        `exec ${execId} in ${id}: there is none in namespace ${namespace}`,
      );
      task.exits.forget(execId, reason);
      task.dropExec(execId);
      if (task.phase === 'there') await context.records.put(task, task.record);
      return deleted;
    },
    state,
    pids: async (id, options) => shim(id).pids(id, options),
    pause: (id, options) => when({ id }, ['running'], async () => shim(id).pause(id, options)),
    resume: (id, options) => when({ id }, ['paused'], async () => shim(id).resume(id, options)),
    checkpoint: async (request, options) => shim(request.id).checkpoint(request, options),
    kill: async (request, options) => shim(request.id).kill(request, options),
    async exec(request, options) {
      const { id, execId } = request;
      const task = there(id);
      const isNew = !task.execs.has(execId);
      // Events of it may come before the answer.
      if (isNew) task.execs.set(execId, null);
      try {
        await shim(id).exec(request, options);
      } catch (e) {
        if (isNew) task.execs.delete(execId);
        throw e;
      }
      await context.records.put(task, task.record);
    },
    resizePty: async (request, options) => shim(request.id).resizePty(request, options),
    closeIO: async (process, options) => shim(process.id).closeIO(process, options),
    update: async (request, options) => shim(request.id).update(request, options),
    async wait(process, options = {}) {
      const { id, execId = '' } = process;
      const task = there(id);
      const exit = task.exits.wait(execId, options);
      exit.catch(() => {});
      // It may have ended before anybody listened. A shim that does not answer now tells by its event.
      await state(process, options).catch((e: unknown) => {
        options.signal?.throwIfAborted();
        const isOver = task.isDeleting || task.phase !== 'there' || task.exits.get(execId) !== undefined;
        if (Fault.is(e, 'not_found') && !isOver) throw e;
      });
      return exit;
    },
    stats: async (id, options) => shim(id).stats(id, options),
    connect: async (id, options) => shim(id).connect(id, options),
    shutdown: async () => {},
  };
}
