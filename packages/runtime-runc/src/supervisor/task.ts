import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, Fault, KeyedLock, type Mount } from '@stowage/core';
import type { CreateTask, Exit, ProcessState, TaskStatus } from '@stowage/runtime';
import type { ProcessRef } from '../handover-message.ts';
import { readBundleSpec } from './bundle-spec.ts';
import type { SupervisorContext } from './context.ts';
import { setCgroupsPath } from './default-cgroup.ts';
import { endOthers } from './end-others.ts';
import { TaskEvents } from './events.ts';
import { refuseLinkedDev } from './linked-dev.ts';
import { OciRuntime } from './oci-runtime.ts';
import { type IoPlace, openIO } from './open-io.ts';
import type { WatchedProcess } from './reaper.ts';
import { checkRestorePoint, type RestorePoint, restore } from './restore.ts';
import { checkSystemdPath, chooseRuntime, type RuntimeChoice } from './runtime-choice.ts';
import { TaskMemory } from './task-memory.ts';
import { TaskProcess } from './task-process.ts';
import { claimTask, RecordWriter, type TaskRecord } from './task-record.ts';
import { undoMaking } from './undo-making.ts';

const SAVE_LATER_MS = 1000;

export interface TaskFacts {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: readonly Mount[];
  readonly choice: RuntimeChoice;
  readonly specDigest: string;
  readonly ownPids: boolean;
  readonly cgroupsPath?: string | undefined;
  /** It goes on from there at its start, and there is no container before. */
  readonly restore?: RestorePoint | undefined;
}

/**
 * A container: its init process, the processes that were added, and what was mounted for it.
 *
 * Whatever is to be found again by another supervisor is written down before it is done, and an exit before it is
 * told. Of each process are told, in this order: create, start, exit, delete; and no exit of an added one after that
 * of the init.
 */
export class Task {
  readonly facts: TaskFacts;
  readonly directory: string;
  readonly init: TaskProcess;
  /** By exec id. */
  readonly execs = new Map<string, TaskProcess>();
  readonly runtime: OciRuntime;
  readonly events: TaskEvents;
  readonly record: RecordWriter;
  readonly memory: TaskMemory;
  /** By exec id, the init's being empty: what changes the state of a process is done one at a time. */
  readonly locks = new KeyedLock();
  paused: 'no' | 'pausing' | 'yes' = 'no';
  deleted = false;
  /** The runtime was asked to make it, so there may be something to remove. */
  wasAsked = false;
  readonly #context: SupervisorContext;

  constructor(context: SupervisorContext, facts: TaskFacts, init: TaskProcess) {
    this.#context = context;
    this.facts = facts;
    this.init = init;
    const { namespace, id, choice } = facts;
    this.directory = join(context.tasks, namespace, id);
    this.runtime = new OciRuntime({ choice, id, directory: this.directory, commands: context.commands });
    this.events = new TaskEvents(context.events, namespace, id);
    this.memory = new TaskMemory(context, this);
    this.record = new RecordWriter(this.directory, () => this.#toRecord());
  }

  /** Reads what is asked for; does nothing yet. */
  static async prepare(context: SupervisorContext, namespace: string, request: CreateTask): Promise<Task> {
    const { id, bundle, rootfs, options, stdin, stdout, stderr, terminal } = request;
    const { choice, ...chosen } = chooseRuntime(namespace, options, context.defaults, context.systemd);
    let spec = await readBundleSpec(bundle);
    if (choice.systemdCgroup === true) checkSystemdPath(id, spec.cgroupsPath);
    else if (spec.cgroupsPath === undefined) {
      await setCgroupsPath(bundle, namespace, id);
      spec = await readBundleSpec(bundle);
    }
    const { digest: specDigest, ownPids, cgroupsPath } = spec;
    const path = request.checkpoint || chosen.criuImagePath;
    const restore = path === '' ? undefined : { path, parent: request.parentCheckpoint };
    if (restore !== undefined) await checkRestorePoint(id, restore);
    if (chosen.shimCgroup !== '') {
      const { shimCgroup } = chosen;
      context.log.warn(
        { namespace, id, shimCgroup },
        'shim_cgroup: one process serves all containers; it stays',
      );
    }
    const init = new TaskProcess(id, { stdin, stdout, stderr, terminal }, 'creating');
    const facts = { namespace, id, bundle, rootfs, choice, specDigest, ownPids, cgroupsPath, restore };
    return new Task(context, facts, init);
  }

  /** As another supervisor wrote it down; of processes the init alone. */
  static fromRecord(context: SupervisorContext, record: TaskRecord): Task {
    const { namespace, id, bundle, rootfs, runtime: choice, specDigest, ownPids, cgroupsPath } = record;
    const facts = { namespace, id, bundle, rootfs, choice, specDigest, ownPids, cgroupsPath };
    return new Task(context, { ...facts, restore: record.restore }, TaskProcess.fromRecord(id, record.init));
  }

  get rootfs(): string {
    return join(this.facts.bundle, 'rootfs');
  }

  ref(execId = ''): ProcessRef {
    const { namespace, id } = this.facts;
    return { namespace, id, execId };
  }

  ioPlace(execId?: string): IoPlace {
    const { namespace, id, choice: owner } = this.facts;
    const files = join(this.directory, execId === undefined ? 'init' : `exec-${execId}`);
    return { namespace, id, files, owner };
  }

  /** Makes the container. If that fails, nothing of it is left, or it is removed as soon as that can be. */
  async make(options: CallOptions): Promise<number> {
    await claimTask(this.directory, this.#toRecord());
    const made = this.#make(options);
    this.init.settling = made;
    try {
      await made;
      return this.init.pid;
    } catch (e) {
      await undoMaking(this.#context, this);
      throw e;
    }
  }

  async #make({ signal }: CallOptions): Promise<void> {
    const { bundle, rootfs } = this.facts;
    const { init } = this;
    if (rootfs.length > 0) await this.#context.mounter.mount(rootfs, this.rootfs, { signal });
    await refuseLinkedDev(this.rootfs);
    init.io = await openIO(init, this.ioPlace(), this.#context, { signal });
    if (init.loggers.length > 0) await this.record.save();
    if (this.facts.restore === undefined) {
      const pidFile = join(this.directory, 'init.pid');
      const { stdio, consoleSocket } = init.io;
      this.wasAsked = true;
      await this.runtime.create(bundle, { stdio, consoleSocket, pidFile, signal });
      signal?.throwIfAborted();
      await init.io.spawned();
      await this.found(await readPid(pidFile));
    }
    init.phase = 'created';
    await this.record.save();
    this.#context.handover.keep(this.ref(), init);
    await this.events.create(bundle, rootfs, init.stdio, init.pid);
  }

  /** Makes the container, and goes on from the checkpoint. Only for a task that is to. */
  async restore(options: CallOptions): Promise<void> {
    const { restore: point } = this.facts;
    using _ = await this.#context.namespaceCgroups.making();
    if (point !== undefined) await restore(this.#context, this, point, options);
    this.#context.handover.keep(this.ref(), this.init);
  }

  /** The runtime has made the init. */
  async found(pid: number): Promise<void> {
    this.follow(this.init, this.#context.reaper.watch(pid));
    await this.memory.watch();
  }

  /** Removes what an earlier supervisor died over making. */
  abandon(): Promise<void> {
    this.wasAsked = true;
    return undoMaking(this.#context, this);
  }

  /** Calls {@link TaskProcess} `stopped` and tells, when a process that is watched has ended. */
  follow(process: TaskProcess, watched: WatchedProcess, execId?: string): void {
    process.watched(watched);
    watched.exited
      .then((exit) => this.ended(process, exit, execId))
      .catch((e: unknown) => this.complain('tell exit', e));
  }

  async ended(process: TaskProcess, exit: Exit, execId?: string): Promise<void> {
    process.io?.exited();
    await process.settling.catch(() => {});
    // Its creation failed: nobody was told that there was one.
    if (process.phase === 'creating') return;
    await this.memory.ended(process, exit, execId);
    if (process === this.init) {
      this.memory[Symbol.dispose]();
      await endOthers(this);
    }
    process.stopped(exit);
    if (process === this.init) this.runtime.deleteAhead();
    await this.record.save().catch((e: unknown) => this.complain('write exit', e));
    await this.events.exit(execId, process.pid, exit);
    process.announced = true;
    process.tellEnd();
    this.#saveLater();
  }

  /** For what is worth writing down, but not worth waiting for: most tasks are deleted before. */
  #saveLater(): void {
    setTimeout(() => {
      if (this.deleted) return;
      this.record.save().catch((e: unknown) => this.complain('write record', e));
    }, SAVE_LATER_MS).unref();
  }

  /** Undoes the mounts of the rootfs; one still in use is detached. */
  async unmount(): Promise<void> {
    const { rootfs } = this.facts;
    if (rootfs.length === 0) return;
    const recursive = rootfs.some(({ target = '' }) => target !== '' && target !== '/');
    try {
      await this.#context.mounter.unmount(this.rootfs, { recursive });
    } catch (e) {
      this.complain('unmount rootfs, which is detached now', e);
      await this.#context.mounter.unmount(this.rootfs, { recursive: true, lazy: true });
    }
  }

  /** A process is deleted: lets go of what it had. */
  discard(process: TaskProcess, execId?: string): void {
    process.gone();
    this.#context.handover.forget(this.ref(execId));
  }

  /** Removes what is written down. */
  async forget(): Promise<void> {
    await this.record.idle();
    await rm(this.directory, { recursive: true, force: true });
  }

  status(process: TaskProcess): TaskStatus {
    if (process.phase === 'stopped') return 'stopped';
    if (process.phase !== 'running') return 'created';
    if (process !== this.init || this.paused === 'no') return 'running';
    return this.paused === 'pausing' ? 'pausing' : 'paused';
  }

  state(process: TaskProcess, execId = ''): ProcessState {
    const { id, bundle } = this.facts;
    return process.state(id, execId, bundle, this.status(process));
  }

  /** @throws Fault `not_found` */
  process(execId: string | undefined): TaskProcess {
    if (execId === undefined || execId === '') return this.init;
    const exec = this.execs.get(execId);
    if (exec === undefined)
      throw new Fault('not_found', `exec ${execId} in ${this.facts.id}: there is no such process`);
    return exec;
  }

  /** Logs what went wrong and can't be told to a caller. */
  complain(operation: string, err: unknown): void {
    const { namespace, id } = this.facts;
    this.#context.log.error({ err, namespace, id }, `${operation} failed`);
  }

  #toRecord(): TaskRecord {
    const { choice, ...facts } = this.facts;
    return {
      format: 1,
      owner: this.#context.owner,
      ...facts,
      runtime: choice,
      oom: this.memory.toRecord(),
      paused: this.paused === 'yes',
      init: this.init.toRecord(),
      execs: [...this.execs].map(([execId, exec]) => ({ execId, ...exec.toRecord() })),
    };
  }
}

/** A runtime writes the pid file before its command ends. */
export async function readPid(path: string): Promise<number> {
  const pid = Number((await readFile(path, 'latin1')).trim());
  if (!Number.isInteger(pid) || pid <= 0) throw new Fault('unknown', `pid file ${path}: holds no pid`);
  return pid;
}
