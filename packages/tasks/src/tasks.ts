import type { CallOptions, Descriptor, Labels, Mount, Scoped, Slot, TypedBytes } from '@stowage/core';
import type { Exit, ProcessInfo, Stdio, TaskStatus } from '@stowage/runtime';

/**
 * Running containers, of one namespace. Finds the runtime that each container names and passes the call on.
 *
 * Clients call `wait` before `start`, so that no exit is missed; `wait` after the exit answers at once.
 *
 * @see containerd plugins/services/tasks/local.go
 */
export interface Tasks {
  /**
   * @throws Fault `not_found` if there is no such container; `already_exists` if it has a task;
   *   `invalid_argument` if no runtime serves its runtime name; `not_found` if it names a sandbox that does not run, and
   *   `unimplemented` if no runtime can have it join.
   */
  create(request: NewTask, options?: CallOptions): Promise<{ readonly pid: number }>;
  start(process: ContainerProcess, options?: CallOptions): Promise<{ readonly pid: number }>;
  /** @throws Fault `failed_precondition` while it runs. */
  delete(containerId: string, options?: CallOptions): Promise<DeletedProcess>;
  deleteProcess(process: Required<ContainerProcess>, options?: CallOptions): Promise<DeletedProcess>;
  get(process: ContainerProcess, options?: CallOptions): Promise<Process>;
  /** All tasks; one whose runtime does not answer in time is left out. */
  list(options?: CallOptions): AsyncIterable<Process>;
  /** @throws Fault `not_found` if the process has exited; `failed_precondition` for an exec not yet started. */
  kill(
    request: ContainerProcess & { readonly signal: number; readonly all?: boolean | undefined },
    options?: CallOptions,
  ): Promise<void>;
  exec(request: NewExec, options?: CallOptions): Promise<void>;
  resizePty(
    request: ContainerProcess & { readonly width: number; readonly height: number },
    options?: CallOptions,
  ): Promise<void>;
  closeIO(process: ContainerProcess, options?: CallOptions): Promise<void>;
  pause(containerId: string, options?: CallOptions): Promise<void>;
  resume(containerId: string, options?: CallOptions): Promise<void>;
  pids(containerId: string, options?: CallOptions): Promise<ProcessInfo[]>;
  /**
   * Writes down what a task's processes are at, by CRIU, for a later `create` to go on from.
   *
   * @returns the blobs of it, for which the caller needs a lease: the images of CRIU, to be given to `create`, and the
   *   container's spec. None if the options name a directory for the images.
   * @throws Fault `failed_precondition` if the task is not running or paused.
   */
  checkpoint(
    request: { readonly containerId: string; readonly options?: TypedBytes | undefined },
    options?: CallOptions,
  ): Promise<Descriptor[]>;
  update(
    request: {
      readonly containerId: string;
      readonly resources: TypedBytes | undefined;
      readonly annotations?: Labels | undefined;
    },
    options?: CallOptions,
  ): Promise<void>;
  /** Figures of the tasks that match any of the filters (fields `id`, `namespace`). */
  metrics(filters?: readonly string[], options?: CallOptions): AsyncIterable<Metric>;
  wait(process: ContainerProcess, options?: CallOptions): Promise<Exit>;
}

export interface ContainerProcess {
  readonly containerId: string;
  readonly execId?: string | undefined;
}

export interface NewTask extends Stdio {
  readonly containerId: string;
  readonly rootfs: readonly Mount[];
  /** Goes on from there at its start. A directory that the options name goes before it. */
  readonly checkpoint?: Descriptor | undefined;
  readonly options?: TypedBytes | undefined;
  /** Path of a runtime binary, instead of the container's runtime. */
  readonly runtimePath?: string | undefined;
  /** Where a sandbox serves its task API, as its start answered: the task joins it. */
  readonly taskApi?: { readonly address: string; readonly version: number } | undefined;
}

export interface NewExec extends Stdio {
  readonly containerId: string;
  readonly execId: string;
  /** JSON of runtime-spec Process. */
  readonly spec: TypedBytes | undefined;
}

export interface Process extends Stdio {
  readonly containerId: string;
  /** Exec id; the container's id for its init, as containerd answers. */
  readonly id: string;
  readonly pid: number;
  readonly status: TaskStatus;
  readonly exitStatus: number;
  readonly exitedAt?: Date | undefined;
}

export interface DeletedProcess extends Exit {
  readonly id: string;
  readonly pid: number;
}

export interface Metric {
  readonly id: string;
  readonly timestamp: Date;
  readonly data: TypedBytes;
}

export const taskServiceSlot: Slot<Scoped<Tasks>> = {
  type: 'io.containerd.service.v1',
  id: 'tasks-service',
  api: 1,
};
