import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcessDetailsSchema } from '@stowage/api/runc/v1';
import { type CallOptions, Fault, type TypedBytes } from '@stowage/core';
import { readCgroupStats } from '@stowage/linux/cgroup';
import { packMessage } from '@stowage/rpc';
import type {
  CheckpointTask,
  CreateTask,
  ExecProcess,
  Exit,
  KillProcess,
  ProcessId,
  ProcessInfo,
  ProcessState,
  ResizePty,
  RuntimeConnection,
  TaskService,
  UpdateTask,
} from '@stowage/runtime';
import { cgroupPids } from './cgroup-pids.ts';
import { checkpointTask } from './checkpoint.ts';
import type { SupervisorContext } from './context.ts';
import { addExec, deleteExec, startExec } from './execs.ts';
import { packMetrics } from './metrics.ts';
import { checkResources } from './resources.ts';
import { deleteTask, startTask } from './task-lifecycle.ts';
import type { TaskRegistry } from './task-registry.ts';

/** SIGRTMAX */
const LAST_SIGNAL = 64;

/** The tasks of one namespace, where they are. */
export class SupervisedTasks implements TaskService {
  readonly #context: SupervisorContext;
  readonly #registry: TaskRegistry;
  readonly #namespace: string;

  constructor(context: SupervisorContext, registry: TaskRegistry, namespace: string) {
    this.#context = context;
    this.#registry = registry;
    this.#namespace = namespace;
  }

  async create(request: CreateTask, options: CallOptions = {}): Promise<{ pid: number }> {
    const task = await this.#registry.create(this.#namespace, request, options);
    return { pid: task.init.pid };
  }

  async start({ id, execId }: ProcessId, options: CallOptions = {}): Promise<{ pid: number }> {
    const task = this.#task(id);
    const pid = execId ? startExec(this.#context, task, execId, options) : startTask(task, options);
    return { pid: await pid };
  }

  async delete({ id, execId }: ProcessId, options: CallOptions = {}): Promise<Exit & { pid: number }> {
    await this.#registry.settled(this.#namespace, id, options);
    const task = this.#task(id);
    if (execId) return deleteExec(task, execId, options);
    return deleteTask(task, () => this.#registry.remove(task), options);
  }

  async state({ id, execId }: ProcessId): Promise<ProcessState> {
    const task = this.#task(id);
    return task.state(task.process(execId), execId);
  }

  async pids(id: string): Promise<ProcessInfo[]> {
    const { memory, execs } = this.#task(id);
    const { cgroup } = memory;
    const byPid = new Map([...execs].map(([execId, { pid }]) => [pid, execId]));
    const pids = cgroup === undefined ? [] : await cgroupPids(cgroup);
    return pids.map((pid) => {
      const execId = byPid.get(pid);
      return execId === undefined ? { pid } : { pid, info: packMessage(ProcessDetailsSchema, { execId }) };
    });
  }

  async pause(id: string, { signal }: CallOptions = {}): Promise<void> {
    const task = this.#task(id);
    using _ = await task.locks.acquire([''], signal);
    const status = task.status(task.init);
    if (status !== 'running') throw new Fault('failed_precondition', `pause ${id}: it is ${status}`);
    task.paused = 'pausing';
    try {
      await task.runtime.pause();
      task.paused = 'yes';
    } finally {
      if (task.paused === 'pausing') task.paused = 'no';
    }
    await task.record.save();
    await task.events.paused();
  }

  async resume(id: string, { signal }: CallOptions = {}): Promise<void> {
    const task = this.#task(id);
    using _ = await task.locks.acquire([''], signal);
    const status = task.status(task.init);
    if (status !== 'paused') throw new Fault('failed_precondition', `resume ${id}: it is ${status}`);
    await task.runtime.resume();
    task.paused = 'no';
    await task.record.save();
    await task.events.resumed();
  }

  async checkpoint(request: CheckpointTask, options: CallOptions = {}): Promise<void> {
    await checkpointTask(this.#task(request.id), request, options);
  }

  async kill({ id, execId, signal, all = false }: KillProcess): Promise<void> {
    const task = this.#task(id);
    const process = task.process(execId);
    if (signal > LAST_SIGNAL) {
      throw new Fault('invalid_argument', `kill ${process.name}: there is no signal ${signal}`);
    }
    if (process.phase === 'stopped') {
      throw new Fault('not_found', `kill ${process.name}: the process has finished`);
    }
    if (process === task.init) return task.runtime.kill(signal, all);
    if (process.phase !== 'running') {
      throw new Fault('failed_precondition', `kill ${process.name}: it was not started`);
    }
    process.signal(signal);
  }

  async exec(request: ExecProcess): Promise<void> {
    await addExec(this.#task(request.id), request);
  }

  async resizePty({ id, execId, width, height }: ResizePty): Promise<void> {
    const process = this.#task(id).process(execId);
    if (!process.stdio.terminal) {
      throw new Fault('failed_precondition', `resize ${process.name}: it has no terminal`);
    }
    process.size = { width, height };
    process.io?.resize(width, height);
  }

  async closeIO({ id, execId }: ProcessId): Promise<void> {
    const task = this.#task(id);
    const process = task.process(execId);
    process.stdinClosed = true;
    process.io?.closeStdin();
    // Nobody may hold it open any more.
    this.#context.handover.changed(task.ref(execId));
    await task.record.save();
  }

  async update({ id, resources }: UpdateTask, { signal }: CallOptions = {}): Promise<void> {
    const task = this.#task(id);
    checkResources(id, resources);
    using _ = await task.locks.acquire([''], signal);
    const status = task.status(task.init);
    if (status === 'stopped') throw new Fault('failed_precondition', `update ${id}: it is stopped`);
    const file = join(task.directory, 'resources.json');
    await writeFile(file, resources.value, { mode: 0o600 });
    await task.runtime.update(file);
  }

  wait({ id, execId }: ProcessId, options: CallOptions = {}): Promise<Exit> {
    return this.#task(id).process(execId).wait(options);
  }

  async stats(id: string): Promise<TypedBytes> {
    const { cgroup } = this.#task(id).memory;
    if (cgroup === undefined) throw new Fault('not_found', `stats of ${id}: its cgroup is not known`);
    return packMetrics(await readCgroupStats(cgroup));
  }

  async connect(id: string): Promise<RuntimeConnection> {
    const { init } = this.#task(id);
    return { shimPid: process.pid, taskPid: init.pid, version: this.#context.version };
  }

  /** One process serves all containers, so none of them ends it. */
  async shutdown(): Promise<void> {}

  #task(id: string) {
    return this.#registry.get(this.#namespace, id);
  }
}
