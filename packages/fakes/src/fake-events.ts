import {
  TaskCreateSchema,
  TaskDeleteSchema,
  TaskExecAddedSchema,
  TaskExecStartedSchema,
  TaskExitSchema,
  TaskPausedSchema,
  TaskResumedSchema,
  TaskStartSchema,
} from '@stowage/api/events';
import type { TypedBytes } from '@stowage/core';
import type { Events } from '@stowage/events';
import { mountToWire, packMessage, timestampOf } from '@stowage/rpc';
import type { CreateTask, Exit } from '@stowage/runtime';

/** What is told of one task, in its order. */
export class FakeEvents {
  readonly #to: Pick<Events, 'forward'>;
  readonly #namespace: string;
  readonly containerId: string;
  #last: Promise<void> = Promise.resolve();

  constructor(to: Pick<Events, 'forward'>, namespace: string, containerId: string) {
    this.#to = to;
    this.#namespace = namespace;
    this.containerId = containerId;
  }

  create({ bundle, rootfs, stdin, stdout, stderr, terminal }: CreateTask, pid: number): Promise<void> {
    const { containerId } = this;
    const io = { stdin, stdout, stderr, terminal };
    const event = { containerId, bundle, rootfs: rootfs.map(mountToWire), io, pid };
    return this.#tell('create', packMessage(TaskCreateSchema, event));
  }

  start(pid: number): Promise<void> {
    const { containerId } = this;
    return this.#tell('start', packMessage(TaskStartSchema, { containerId, pid }));
  }

  execAdded(execId: string): Promise<void> {
    const { containerId } = this;
    return this.#tell('exec-added', packMessage(TaskExecAddedSchema, { containerId, execId }));
  }

  execStarted(execId: string, pid: number): Promise<void> {
    const { containerId } = this;
    return this.#tell('exec-started', packMessage(TaskExecStartedSchema, { containerId, execId, pid }));
  }

  paused(): Promise<void> {
    return this.#tell('paused', packMessage(TaskPausedSchema, { containerId: this.containerId }));
  }

  resumed(): Promise<void> {
    return this.#tell('resumed', packMessage(TaskResumedSchema, { containerId: this.containerId }));
  }

  exit(execId: string, pid: number, { exitStatus, exitedAt }: Exit): Promise<void> {
    const { containerId } = this;
    const event = {
      containerId,
      id: execId || containerId,
      pid,
      exitStatus,
      exitedAt: timestampOf(exitedAt),
    };
    return this.#tell('exit', packMessage(TaskExitSchema, event));
  }

  delete(pid: number, { exitStatus, exitedAt }: Exit): Promise<void> {
    const { containerId } = this;
    const event = { containerId, pid, exitStatus, exitedAt: timestampOf(exitedAt) };
    return this.#tell('delete', packMessage(TaskDeleteSchema, event));
  }

  #tell(topic: string, event: TypedBytes): Promise<void> {
    const envelope = { timestamp: new Date(), namespace: this.#namespace, topic: `/tasks/${topic}`, event };
    this.#last = this.#last.then(() => this.#to.forward(envelope));
    return this.#last;
  }
}
