import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type CallOptions, Fault, quote, TYPE_URL, validateIdentifier } from '@stowage/core';
import type { ExecProcess, Exit } from '@stowage/runtime';
import type { SupervisorContext } from './context.ts';
import { openIO } from './open-io.ts';
import { readPid, type Task } from './task.ts';
import { TaskProcess } from './task-process.ts';

const specFile = (task: Task, execId: string) => join(task.directory, `exec-${execId}.json`);
export const execPidFile = (task: Task, execId: string) => join(task.directory, `exec-${execId}.pid`);

/** What there may be of an exec in its task's directory, beside its pid. */
const FILES = ['json', 'log', 'stdout', 'stderr', 'stdout-log', 'stderr-log'];

/** Adds a process, not yet running. */
export async function addExec(task: Task, request: ExecProcess): Promise<void> {
  const { id, execId, spec, stdin, stdout, stderr, terminal } = request;
  validateIdentifier(execId, 'exec id');
  const name = `exec ${execId} in ${id}`;
  const status = task.status(task.init);
  if ((status !== 'running' && status !== 'created') || task.init.pid === 0) {
    throw new Fault('failed_precondition', `${name}: the task is ${status}`);
  }
  if (task.execs.has(execId)) throw new Fault('already_exists', `${name}: the id is in use`);
  const process = parseProcess(name, spec.typeUrl, spec.value);
  const exec = new TaskProcess(name, { stdin, stdout, stderr, terminal }, 'created');
  task.execs.set(execId, exec);
  try {
    const text = JSON.stringify({ ...process, terminal });
    await Promise.all([writeFile(specFile(task, execId), text, { mode: 0o600 }), task.record.save()]);
  } catch (e) {
    task.execs.delete(execId);
    throw e;
  }
  await task.events.execAdded(execId);
}

function parseProcess(name: string, typeUrl: string, value: Uint8Array): object {
  if (typeUrl !== TYPE_URL.process) {
    throw new Fault('invalid_argument', `${name}: expected ${TYPE_URL.process}, got ${quote(typeUrl)}`);
  }
  try {
    const process: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    if (typeof process === 'object' && process !== null && !Array.isArray(process)) return process;
  } catch (e) {
    throw new Fault('invalid_argument', `${name}: the process spec is no JSON`, { cause: e });
  }
  throw new Fault('invalid_argument', `${name}: the process spec is no object`);
}

/** Starts a process that was added. If that fails it is as before, and may be started again or deleted. */
export async function startExec(
  context: SupervisorContext,
  task: Task,
  execId: string,
  { signal }: CallOptions,
): Promise<number> {
  const exec = task.process(execId);
  using _ = await task.locks.acquire([execId], signal);
  if (exec.phase !== 'created') {
    throw new Fault('failed_precondition', `start ${exec.name}: it is ${task.status(exec)} already`);
  }
  exec.phase = 'starting';
  const started = start(context, task, execId, exec, { signal });
  exec.settling = started;
  try {
    await started;
    return exec.pid;
  } catch (e) {
    exec.io?.close();
    exec.io = undefined;
    exec.phase = 'created';
    throw e;
  }
}

async function start(
  context: SupervisorContext,
  task: Task,
  execId: string,
  exec: TaskProcess,
  options: CallOptions,
): Promise<void> {
  await task.record.save();
  if (exec.size !== undefined) await setConsoleSize(specFile(task, execId), exec.size);
  exec.io = await openIO(exec, task.ioPlace(execId), context, options);
  if (exec.loggers.length > 0) await task.record.save();
  const { stdio, consoleSocket } = exec.io;
  const pidFile = execPidFile(task, execId);
  await removePidFiles(task, execId);
  try {
    await task.runtime.exec(execId, specFile(task, execId), { stdio, consoleSocket, pidFile, ...options });
  } catch (e) {
    // A runtime that was killed at work may have done it, and has written the pid then.
    if (!options.signal?.aborted || !(await exists(pidFile))) throw e;
  }
  await exec.io.spawned();
  if (exec.stdinClosed) exec.io.closeStdin();
  task.follow(exec, context.reaper.watch(await readPid(pidFile)), execId);
  exec.phase = 'running';
  // It runs, whether or not that can be written down; another supervisor would find its pid file.
  await task.record.save().catch((e: unknown) => task.complain('write record', e));
  context.handover.keep(task.ref(execId), exec);
  await task.events.execStarted(execId, exec.pid);
}

/**
 * Removes what a runtime left that was killed at work. It writes the pid to a file with a dot before its name first, and
 * runc refuses to if there is one.
 */
async function removePidFiles(task: Task, execId: string): Promise<void> {
  const path = execPidFile(task, execId);
  const unfinished = join(task.directory, `.${basename(path)}`);
  await Promise.all([path, unfinished].map((file) => rm(file, { force: true })));
}

/** The runtime sets the size before it runs the process, which may look at it first thing. */
async function setConsoleSize(path: string, consoleSize: { width: number; height: number }): Promise<void> {
  const process = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...process, consoleSize }), { mode: 0o600 });
}

/** Removes a process that has stopped or never started. */
export async function deleteExec(
  task: Task,
  execId: string,
  { signal }: CallOptions,
): Promise<Exit & { pid: number }> {
  const exec = task.process(execId);
  using _ = await task.locks.acquire([execId], signal);
  if (exec.phase !== 'stopped' && exec.phase !== 'created') {
    throw new Fault('failed_precondition', `delete ${exec.name}: it is running; kill it first`);
  }
  await exec.io?.flushed();
  task.execs.delete(execId);
  task.discard(exec, execId);
  const names = FILES.map((suffix) => `${task.ioPlace(execId).files}.${suffix}`);
  const removed = names.map((path) => rm(path, { force: true }));
  await Promise.all([task.record.save(), removePidFiles(task, execId), ...removed]);
  const { exitStatus, exitedAt } = exec.exit ?? { exitStatus: 0, exitedAt: new Date(0) };
  return { pid: exec.pid, exitStatus, exitedAt };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
