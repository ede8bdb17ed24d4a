import { type CallOptions, whole } from '@stowage/core';
import { type LinuxResources, type Process, processBytes, resourcesBytes } from '@stowage/oci-spec';
import type { ProcessInfo } from '@stowage/runtime';
import type { Metric, Tasks } from '@stowage/tasks';
import { type Ownership, ProcessHandle } from './process-handle.ts';
import { type IoOptions, ProcessIo } from './process-io.ts';

export interface ExecOptions extends CallOptions {
  readonly execId: string;
  /** Arguments, environment, working directory, user: all that runtime-spec's `process` holds. */
  readonly process: Process;
  readonly io?: IoOptions | undefined;
}

/** A running container. Disposing kills and deletes it. */
export class TaskHandle extends ProcessHandle {
  constructor(tasks: Tasks, containerId: string, io: ProcessIo, ownership?: Ownership) {
    super(tasks, { containerId }, io, ownership);
  }

  /**
   * Adds a process, not yet started.
   *
   * @throws Fault `already_exists` if the exec id is in use; `failed_precondition` if the task does not run.
   */
  async exec({ execId, process, io, signal }: ExecOptions): Promise<ProcessHandle> {
    const streams = await ProcessIo.open(io);
    const { containerId } = this;
    const spec = processBytes({ ...process, terminal: streams.stdio.terminal });
    try {
      await whole(
        signal,
        () => this.tasks.exec({ containerId, execId, spec, ...streams.stdio }),
        () => this.tasks.deleteProcess({ containerId, execId }),
      );
    } catch (e) {
      await streams[Symbol.asyncDispose]();
      throw e;
    }
    return new ProcessHandle(this.tasks, { containerId, execId }, streams);
  }

  pause(options?: CallOptions): Promise<void> {
    return this.tasks.pause(this.containerId, options);
  }

  resume(options?: CallOptions): Promise<void> {
    return this.tasks.resume(this.containerId, options);
  }

  pids(options?: CallOptions): Promise<ProcessInfo[]> {
    return this.tasks.pids(this.containerId, options);
  }

  /** Changes resource limits: runtime-spec's `linux.resources`. */
  update(resources: LinuxResources, options?: CallOptions): Promise<void> {
    const { containerId } = this;
    return this.tasks.update({ containerId, resources: resourcesBytes(resources) }, options);
  }

  /** Figures of its cgroup, or undefined if it is gone. */
  async metrics(options?: CallOptions): Promise<Metric | undefined> {
    for await (const metric of this.tasks.metrics([`id==${this.containerId}`], options)) return metric;
    return undefined;
  }
}
