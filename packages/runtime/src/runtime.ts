import type { CallOptions, Slot, TypedBytes } from '@stowage/core';
import type { SandboxPlace, TaskService } from './task-service.ts';

/**
 * A way to run containers. Tasks outlive the daemon; a runtime finds those of earlier daemons again when it starts.
 */
export interface Runtime {
  /** Whether it runs containers of this runtime name (`io.containerd.runc.v2`) or path of a shim binary. */
  serves(runtimeName: string): boolean;

  /** Whether it can have tasks join a sandbox, as {@link CreateTask.sandbox} asks. Absent: it can't. */
  joins?(namespace: string, sandbox: SandboxPlace): boolean;

  /** The tasks of one namespace. */
  tasks(namespace: string): TaskService;

  /** Every task there is, of all namespaces. */
  list(options?: CallOptions): AsyncIterable<TaskRef>;

  /** Its processes at the moment, as far as it knows. Absent: it does not tell. */
  processes?(): readonly RuntimeProcess[];

  /**
   * What the runtime is and can do, for `PluginInfo`: `containerd.types.RuntimeInfo`.
   *
   * @throws Fault `unimplemented` if it can't tell.
   */
  info(
    request: { readonly runtimeName: string; readonly options?: TypedBytes | undefined },
    options?: CallOptions,
  ): Promise<RuntimeInfo>;
}

/** A process of a runtime's that holds containers. It may end with or without this one. */
export interface RuntimeProcess {
  /** For people to tell them apart. */
  readonly name: string;
  readonly pid: number;
}

export interface TaskRef {
  readonly namespace: string;
  readonly id: string;
}

export interface RuntimeInfo {
  readonly name: string;
  readonly version: string;
  readonly revision: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** JSON of runtime-spec Features, where the runtime tells. */
  readonly features?: TypedBytes | undefined;
}

/** Runtimes, asked in order whether they serve a name. */
export const runtimeSlot: Slot<Runtime> = { type: 'stowage.runtime.v1', api: 1 };
