import {
  TaskCheckpointedSchema,
  TaskCreateSchema,
  TaskDeleteSchema,
  TaskExecAddedSchema,
  TaskExecStartedSchema,
  TaskExitSchema,
  TaskOOMSchema,
  TaskPausedSchema,
  TaskResumedSchema,
  TaskStartSchema,
} from '@stowage/api/events';
import type { Mount } from '@stowage/core';
import { mountToWire, timestampOf } from '@stowage/rpc';
import type { Exit, Stdio } from '@stowage/runtime';
import type { EventLog } from './event-log.ts';

/** What is told of one task. Each settles when the event is in the log, and never rejects. */
export class TaskEvents {
  readonly #log: EventLog;
  readonly #namespace: string;
  readonly #containerId: string;

  constructor(log: EventLog, namespace: string, id: string) {
    this.#log = log;
    this.#namespace = namespace;
    this.#containerId = id;
  }

  create(bundle: string, rootfs: readonly Mount[], io: Stdio, pid: number): Promise<void> {
    const event = { containerId: this.#containerId, bundle, rootfs: rootfs.map(mountToWire), io, pid };
    return this.#log.append(this.#namespace, '/tasks/create', TaskCreateSchema, event);
  }

  start(pid: number): Promise<void> {
    const event = { containerId: this.#containerId, pid };
    return this.#log.append(this.#namespace, '/tasks/start', TaskStartSchema, event);
  }

  execAdded(execId: string): Promise<void> {
    const event = { containerId: this.#containerId, execId };
    return this.#log.append(this.#namespace, '/tasks/exec-added', TaskExecAddedSchema, event);
  }

  execStarted(execId: string, pid: number): Promise<void> {
    const event = { containerId: this.#containerId, execId, pid };
    return this.#log.append(this.#namespace, '/tasks/exec-started', TaskExecStartedSchema, event);
  }

  exit(execId: string | undefined, pid: number, { exitStatus, exitedAt }: Exit): Promise<void> {
    const ids = { containerId: this.#containerId, id: execId ?? this.#containerId };
    const event = { ...ids, pid, exitStatus, exitedAt: timestampOf(exitedAt) };
    return this.#log.append(this.#namespace, '/tasks/exit', TaskExitSchema, event);
  }

  delete(pid: number, { exitStatus, exitedAt }: Exit): Promise<void> {
    const event = { containerId: this.#containerId, pid, exitStatus, exitedAt: timestampOf(exitedAt) };
    return this.#log.append(this.#namespace, '/tasks/delete', TaskDeleteSchema, event);
  }

  oom(): Promise<void> {
    return this.#log.append(this.#namespace, '/tasks/oom', TaskOOMSchema, { containerId: this.#containerId });
  }

  checkpointed(checkpoint: string): Promise<void> {
    const event = { containerId: this.#containerId, checkpoint };
    return this.#log.append(this.#namespace, '/tasks/checkpointed', TaskCheckpointedSchema, event);
  }

  paused(): Promise<void> {
    const event = { containerId: this.#containerId };
    return this.#log.append(this.#namespace, '/tasks/paused', TaskPausedSchema, event);
  }

  resumed(): Promise<void> {
    const event = { containerId: this.#containerId };
    return this.#log.append(this.#namespace, '/tasks/resumed', TaskResumedSchema, event);
  }
}
