import { abortable, type CallOptions, Fault } from '@stowage/core';
import type { CreateTask } from '@stowage/runtime';
import { saveBootstrap } from './bundle.ts';
import type { ShimContext } from './context.ts';
import { buryLater, discardTask } from './end-task.ts';
import { inTime } from './in-time.ts';
import { makeLogFifo, readLog } from './log-reader.ts';
import { findShim } from './lookup.ts';
import { binaryOfMember, joinSandbox } from './sandbox/join-sandbox.ts';
import { ShimTask } from './task.ts';

const CONNECT_MS = 2000;

/**
 * Starts a shim for a container, or joins it to the shim of its pod or sandbox, and has the task created. If that fails, or is
 * given up, nothing of it is left but the bundle.
 */
export async function makeTask(
  context: ShimContext,
  namespace: string,
  request: CreateTask,
  { signal }: CallOptions = {},
): Promise<{ pid: number }> {
  const { id, runtime } = request;
  if (runtime === undefined) {
    throw new Fault('invalid_argument', `create task ${id}: the name of its runtime is required`);
  }
  const lock = await context.tasks.lock({ namespace, id }, signal);
  // The lock is held to the end of what is under way, if the caller leaves.
  return abortable(underLock(context, namespace, { ...request, runtime }, lock, signal), signal);
}

async function underLock(
  context: ShimContext,
  namespace: string,
  request: CreateTask & { readonly runtime: string },
  lock: Disposable,
  signal: AbortSignal | undefined,
): Promise<{ pid: number }> {
  using _lock = lock;
  const { tasks, records, log } = context;
  const { id, bundle, runtime } = request;
  if (tasks.get({ namespace, id }) !== undefined) {
    throw new Fault('already_exists', `create task ${id}: it exists already`);
  }
  const { sandbox } = request;
  const binary =
    sandbox === undefined
      ? await findShim(runtime, context.lookup)
      : await binaryOfMember(context, namespace, sandbox, runtime);
  const task = new ShimTask({ namespace, id }, { bundle, binary });
  tasks.add(task);
  try {
    await records.put(task, task.record);
    task.pid =
      sandbox === undefined
        ? await start(context, task, request, signal)
        : await joinSandbox(context, task, { ...request, sandbox }, { signal });
    signal?.throwIfAborted();
    task.made = true;
    task.phase = 'there';
    await records.put(task, task.record);
  } catch (e) {
    await discardTask(context, task);
    throw e;
  }
  buryLater(context, task);
  log.debug({ namespace, id, pid: task.pid, binary }, 'a shim made a task');
  return { pid: task.pid };
}

async function start(
  { starter, connections, log }: ShimContext,
  task: ShimTask,
  request: CreateTask,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { namespace, id, bundle, binary } = task;
  makeLogFifo(bundle);
  const reader = readLog(bundle, { namespace, id }, log);
  try {
    const bootstrap = await starter.start({
      binary,
      bundle,
      namespace,
      id,
      options: request.options,
    });
    await saveBootstrap(bundle, bootstrap);
    const line = task.attach(await connections.acquire(bootstrap.path), bootstrap.version);
    const { connection } = line.lease;
    // A shim logs where it was started first; of one that serves others already, nothing comes here.
    if (connection.isKeeping) reader[Symbol.dispose]();
    else connection.keep(reader);
    signal?.throwIfAborted();
    await learnShimPid(task);
    try {
      return (await line.calls.create(request, { signal })).pid;
    } catch (e) {
      if (bootstrap.version === 2 || !Fault.is(e, 'unimplemented')) throw e;
      await saveBootstrap(bundle, { ...bootstrap, version: 2 });
      return (await task.attach(line.lease, 2).calls.create(request, { signal })).pid;
    }
  } catch (e) {
    if (task.line === undefined) reader[Symbol.dispose]();
    throw e;
  }
}

/** So that a shim that does not end can be ended. Not all tell before the task is there, and none has to. */
async function learnShimPid(task: ShimTask): Promise<void> {
  const ask = (options: CallOptions) => task.line?.calls.connect(task.id, options);
  const told = await inTime(`connect to ${task.id}`, CONNECT_MS, {}, async (o) => ask(o)).catch(
    () => undefined,
  );
  task.shimPid = told?.shimPid ?? 0;
}
