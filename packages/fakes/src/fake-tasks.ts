import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MetricsSchema } from '@stowage/api/cgroups/v2';
import { abortable, Fault, quote, type TypedBytes } from '@stowage/core';
import type { Events } from '@stowage/events';
import type { LinuxResources, Process, Spec } from '@stowage/oci-spec';
import { packMessage } from '@stowage/rpc';
import type { ProcessId, Stdio, TaskService } from '@stowage/runtime';
import { FakeEvents } from './fake-events.ts';
import { FakeProcess } from './fake-process.ts';
import type { FakePrograms } from './fake-program.ts';
import { FakeStreams } from './fake-streams.ts';

/** A container: its init under the empty id, and its execs under theirs. */
interface FakeTask {
  readonly bundle: string;
  readonly events: FakeEvents;
  readonly processes: Map<string, FakeProcess>;
  resources: LinuxResources;
}

export interface FakeTasksOptions {
  readonly programs: FakePrograms;
  readonly events: Pick<Events, 'forward'>;
  /** Numbers of processes, of which the machine has none. */
  readonly nextPid: () => number;
}

/** The tasks of one namespace. */
export class FakeTasks implements TaskService {
  readonly #options: FakeTasksOptions;
  readonly #namespace: string;
  readonly #tasks = new Map<string, FakeTask>();

  constructor(namespace: string, options: FakeTasksOptions) {
    this.#namespace = namespace;
    this.#options = options;
  }

  get ids(): readonly string[] {
    return [...this.#tasks.keys()];
  }

  create: TaskService['create'] = async (request, { signal } = {}) => {
    signal?.throwIfAborted();
    const { id, bundle } = request;
    if (this.#tasks.has(id)) throw new Fault('already_exists', `task ${quote(id)}: already exists`);
    const events = new FakeEvents(this.#options.events, this.#namespace, id);
    const task: FakeTask = { bundle, events, processes: new Map(), resources: {} };
    // Before anything is waited for, so that of two at once one is refused.
    this.#tasks.set(id, task);
    try {
      const { process } = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as Spec;
      if (process == null)
        throw new Fault('invalid_argument', `create ${quote(id)}: its spec has no process`);
      const init = await this.#make(task, id, '', process, request);
      init.pid = this.#options.nextPid();
      await events.create(request, init.pid);
      return { pid: init.pid };
    } catch (e) {
      this.#tasks.delete(id);
      throw e;
    }
  };

  start: TaskService['start'] = async (process, { signal } = {}) => {
    signal?.throwIfAborted();
    const [task, found] = this.#find(process);
    const execId = process.execId ?? '';
    found.start(execId === '' ? found.pid : this.#options.nextPid());
    await (execId === '' ? task.events.start(found.pid) : task.events.execStarted(execId, found.pid));
    return { pid: found.pid };
  };

  delete: TaskService['delete'] = async (process, { signal } = {}) => {
    signal?.throwIfAborted();
    const [task, found] = this.#find(process);
    const { id, execId = '' } = process;
    if (found.status === 'running' || found.status === 'paused')
      throw new Fault(
        'failed_precondition',
        `delete ${nameOf(process)}: it is ${found.status}; kill it first`,
      );
    found.end(137);
    const exit = await found.exited;
    task.processes.delete(execId);
    if (execId === '') {
      for (const [, exec] of task.processes) exec.end(137);
      this.#tasks.delete(id);
      await task.events.delete(found.pid, exit);
    }
    return { ...exit, pid: found.pid };
  };

  state: TaskService['state'] = async (process, { signal } = {}) => {
    signal?.throwIfAborted();
    const [task, { pid, status, exit, stdio }] = this.#find(process);
    return {
      ...{ id: process.id, execId: process.execId ?? '', bundle: task.bundle, pid, status, ...stdio },
      ...{ exitStatus: exit?.exitStatus ?? 0, exitedAt: exit?.exitedAt },
    };
  };

  pids: TaskService['pids'] = async (id, { signal } = {}) => {
    signal?.throwIfAborted();
    const { processes } = this.#task(id);
    return [...processes.values()].filter(isAlive).map(({ pid }) => ({ pid }));
  };

  pause: TaskService['pause'] = async (id, { signal } = {}) => {
    signal?.throwIfAborted();
    const [task, init] = this.#find({ id });
    init.pause();
    await task.events.paused();
  };

  resume: TaskService['resume'] = async (id, { signal } = {}) => {
    signal?.throwIfAborted();
    const [task, init] = this.#find({ id });
    init.resume();
    await task.events.resumed();
  };

  kill: TaskService['kill'] = async ({ signal: number, all, ...process }, { signal } = {}) => {
    signal?.throwIfAborted();
    const [task, found] = this.#find(process);
    if (found.status === 'created' && (process.execId ?? '') !== '')
      throw new Fault('failed_precondition', `kill ${nameOf(process)}: it was not started`);
    if (all)
      for (const [execId, exec] of task.processes) if (execId !== '' && isAlive(exec)) exec.kill(number);
    found.kill(number);
  };

  exec: TaskService['exec'] = async ({ id, execId, spec, ...stdio }, { signal } = {}) => {
    signal?.throwIfAborted();
    const [task, init] = this.#find({ id });
    if (task.processes.has(execId))
      throw new Fault('already_exists', `exec ${quote(execId)} of ${quote(id)}: already exists`);
    if (init.status !== 'running')
      throw new Fault('failed_precondition', `exec in ${quote(id)}: it is ${init.status}`);
    await this.#make(task, id, execId, parse<Process>(spec), stdio);
    await task.events.execAdded(execId);
  };

  resizePty: TaskService['resizePty'] = async ({ width, height, ...process }, { signal } = {}) => {
    signal?.throwIfAborted();
    this.#find(process)[1].resize(width, height);
  };

  closeIO: TaskService['closeIO'] = async (process, { signal } = {}) => {
    signal?.throwIfAborted();
    this.#find(process)[1].closeInput();
  };

  update: TaskService['update'] = async ({ id, resources }, { signal } = {}) => {
    signal?.throwIfAborted();
    const task = this.#task(id);
    if (resources !== undefined) task.resources = { ...task.resources, ...parse<LinuxResources>(resources) };
  };

  wait: TaskService['wait'] = async (process, { signal } = {}) => {
    signal?.throwIfAborted();
    return abortable(this.#find(process)[1].exited, signal);
  };

  /** Its processes and the limits that it was given; all else is 0. */
  stats: TaskService['stats'] = async (id, { signal } = {}) => {
    signal?.throwIfAborted();
    const { processes, resources } = this.#task(id);
    const current = BigInt([...processes.values()].filter(isAlive).length);
    return packMessage(MetricsSchema, {
      pids: { current, limit: limitOf(resources.pids?.limit) },
      memory: { usageLimit: limitOf(resources.memory?.limit) },
    });
  };

  connect: TaskService['connect'] = async (id) => {
    const [, { pid }] = this.#find({ id });
    return { shimPid: process.pid, taskPid: pid, version: '3' };
  };

  checkpoint: TaskService['checkpoint'] = async ({ id }) => {
    this.#task(id);
    throw new Fault('unimplemented', `checkpoint ${quote(id)}: there is no process to write down`);
  };

  shutdown: TaskService['shutdown'] = async () => {};

  /** Ends all, without a word. */
  end(): void {
    for (const { processes } of this.#tasks.values()) for (const one of processes.values()) one.end(137);
    this.#tasks.clear();
  }

  async #make(
    task: FakeTask,
    id: string,
    execId: string,
    process: Process,
    stdio: Stdio,
  ): Promise<FakeProcess> {
    const [name = ''] = process.args ?? [];
    const program = this.#options.programs[name] ?? this.#options.programs[basename(name)];
    const absent = () => new Fault('unknown', `exec: ${quote(name)}: executable file not found in $PATH`);
    // As a runtime does: of a container at its creation, of an exec at its start.
    if (program === undefined && execId === '') throw absent();
    const { stdin, stdout, stderr, terminal } = stdio;
    const made = new FakeProcess({
      name: nameOf({ id, execId }),
      process,
      program,
      absent,
      stdio: { stdin, stdout, stderr, terminal },
      streams: await FakeStreams.open(stdio),
      onExit: async (exit) => {
        // Those of execs come before that of their init.
        if (execId === '') {
          for (const [of, exec] of task.processes) {
            if (of === '' || exec.status === 'created') continue;
            exec.end(137);
            await exec.exited;
          }
        }
        await task.events.exit(execId, made.pid, exit);
      },
    });
    task.processes.set(execId, made);
    return made;
  }

  #task(id: string): FakeTask {
    const task = this.#tasks.get(id);
    if (task === undefined || !task.processes.has(''))
      throw new Fault('not_found', `task ${quote(id)}: not found`);
    return task;
  }

  #find(process: ProcessId): [FakeTask, FakeProcess] {
    const task = this.#task(process.id);
    const found = task.processes.get(process.execId ?? '');
    if (found === undefined) throw new Fault('not_found', `${nameOf(process)}: not found`);
    return [task, found];
  }
}

const isAlive = ({ status }: FakeProcess) => status === 'running' || status === 'paused';

const nameOf = ({ id, execId = '' }: ProcessId) =>
  execId === '' ? `task ${quote(id)}` : `exec ${quote(execId)} of ${quote(id)}`;

const limitOf = (limit: number | bigint | null | undefined) =>
  limit === undefined || limit === null || Number(limit) < 0 ? 0n : BigInt(limit);

function parse<T>({ value }: TypedBytes): T {
  return JSON.parse(Buffer.from(value).toString()) as T;
}
