import type { CallOptions, Mount, TypedBytes } from '@stowage/core';

/**
 * Tasks of one namespace in one runtime: containerd's task API, version 3, that every shim serves.
 *
 * A *task* is a container that was created: its init process and the *execs* added to it. A process is named by
 * the container's id and an exec id; an empty exec id is the init. It goes `created`, `running`, `stopped`, and is
 * gone after `delete`. A call in the wrong state is refused with `failed_precondition`; a task or exec that is not
 * there with `not_found`.
 *
 * Events are the runtime's to publish, in this order for each process: create, start, exit, delete; the exits of
 * execs come before the exit of their init.
 *
 * @see containerd api/runtime/task/v3/shim.proto
 */
export interface TaskService {
  /** Makes the container and its init process, not yet running. @throws Fault `already_exists` */
  create(request: CreateTask, options?: CallOptions): Promise<{ readonly pid: number }>;
  start(process: ProcessId, options?: CallOptions): Promise<{ readonly pid: number }>;
  /** Removes a process that has stopped; with the init, the task and its mounts. */
  delete(process: ProcessId, options?: CallOptions): Promise<Exit & { readonly pid: number }>;
  state(process: ProcessId, options?: CallOptions): Promise<ProcessState>;
  /** Pids of all processes in the container, as the daemon's pid namespace numbers them. */
  pids(id: string, options?: CallOptions): Promise<ProcessInfo[]>;
  pause(id: string, options?: CallOptions): Promise<void>;
  resume(id: string, options?: CallOptions): Promise<void>;
  checkpoint(request: CheckpointTask, options?: CallOptions): Promise<void>;
  /** @throws Fault `not_found` if the process has exited already. */
  kill(request: KillProcess, options?: CallOptions): Promise<void>;
  /** Adds a process, not yet running. @throws Fault `already_exists` for an exec id that is in use. */
  exec(request: ExecProcess, options?: CallOptions): Promise<void>;
  resizePty(request: ResizePty, options?: CallOptions): Promise<void>;
  /** Ends the process's standard input. Nothing else does, not even the close of the last writer of its FIFO. */
  closeIO(process: ProcessId, options?: CallOptions): Promise<void>;
  /** Changes resource limits; `resources` holds JSON of runtime-spec LinuxResources. */
  update(request: UpdateTask, options?: CallOptions): Promise<void>;
  /** Settles when the process has exited; at once if it has. Held for as long as it takes. */
  wait(process: ProcessId, options?: CallOptions): Promise<Exit>;
  /** Figures of the container's cgroup: `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`. */
  stats(id: string, options?: CallOptions): Promise<TypedBytes>;
  connect(id: string, options?: CallOptions): Promise<RuntimeConnection>;
  /** Lets a runtime process that serves this container alone end. Does nothing where one serves many. */
  shutdown(
    request: { readonly id: string; readonly now?: boolean | undefined },
    options?: CallOptions,
  ): Promise<void>;
}

/** A container's init process (no exec id), or one of its execs. */
export interface ProcessId {
  readonly id: string;
  readonly execId?: string | undefined;
}

export type TaskStatus = 'unknown' | 'created' | 'running' | 'stopped' | 'paused' | 'pausing';

/** Where a process reads and writes. Empty: nowhere. A path or `fifo://`, `file://`, `binary://` URI. */
export interface Stdio {
  readonly stdin: string;
  readonly stdout: string;
  /** Always empty with a terminal: it has one stream. */
  readonly stderr: string;
  readonly terminal: boolean;
}

export interface CreateTask extends Stdio {
  readonly id: string;
  /** Directory with `config.json` and an empty `rootfs`, made by the caller, who removes it after `delete`. */
  readonly bundle: string;
  /** Name or path by which the runtime was chosen, for one that serves several. Not on the wire: a shim is one of them. */
  readonly runtime?: string | undefined;
  /** The sandbox to join, instead of a place of its own. Not on the wire: it decides whom to ask. */
  readonly sandbox?: SandboxPlace | undefined;
  /** What to mount at `<bundle>/rootfs`. */
  readonly rootfs: readonly Mount[];
  /** Directory of a checkpoint to restore from; empty for none. */
  readonly checkpoint?: string | undefined;
  readonly parentCheckpoint?: string | undefined;
  /** The runtime's own options: `containerd.runc.v1.Options`, `runtimeoptions.v1.Options`, ... */
  readonly options?: TypedBytes | undefined;
}

/** A sandbox, as the record of a container and the start of the sandbox tell of it. */
export interface SandboxPlace {
  /** Empty where only its address is known. */
  readonly id: string;
  /** Of its task API: `ttrpc+unix://<path>`. Empty: that of the sandbox that a runtime knows by its id. */
  readonly address: string;
  /** Of that task API: 2 or 3. */
  readonly version: number;
}

export interface ExecProcess extends Stdio {
  readonly id: string;
  readonly execId: string;
  /** JSON of runtime-spec Process. */
  readonly spec: TypedBytes;
}

export interface Exit {
  /** 0 to 255; 128 + signal for a process that was killed; 255 where the kernel no longer tells. */
  readonly exitStatus: number;
  readonly exitedAt: Date;
}

export interface ProcessState extends Stdio {
  readonly id: string;
  readonly execId: string;
  readonly bundle: string;
  /** 0 before an exec starts. */
  readonly pid: number;
  readonly status: TaskStatus;
  readonly exitStatus: number;
  readonly exitedAt?: Date | undefined;
}

export interface ProcessInfo {
  readonly pid: number;
  /** `containerd.runc.v1.ProcessDetails` for an exec. */
  readonly info?: TypedBytes | undefined;
}

export interface KillProcess extends ProcessId {
  readonly signal: number;
  /** Also every other process of the container; of the init only. */
  readonly all?: boolean | undefined;
}

export interface ResizePty extends ProcessId {
  readonly width: number;
  readonly height: number;
}

export interface UpdateTask {
  readonly id: string;
  readonly resources: TypedBytes | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface CheckpointTask {
  readonly id: string;
  /** Directory that the checkpoint is written to. */
  readonly path: string;
  /** `containerd.runc.v1.CheckpointOptions` */
  readonly options?: TypedBytes | undefined;
}

export interface RuntimeConnection {
  /** Pid of the process that serves the runtime. */
  readonly shimPid: number;
  readonly taskPid: number;
  readonly version: string;
}
