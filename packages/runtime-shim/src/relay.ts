import { TaskDeleteSchema, TaskExecStartedSchema, TaskExitSchema } from '@stowage/api/events';
import { KeyedLock, type Logger, reasonOf, type TypedBytes } from '@stowage/core';
import type { Envelope, Events } from '@stowage/events';
import { dateOf, packMessage, timestampOf, unpackMessage } from '@stowage/rpc';
import type { Exit, TaskRef } from '@stowage/runtime';
import type { ShimTask } from './task.ts';

export interface RelayOptions {
  readonly events: Pick<Events, 'forward'>;
  readonly log: Logger;
  find(task: TaskRef): ShimTask | undefined;
  /** Told after the exit of a process was passed on. */
  save(task: ShimTask): Promise<void>;
}

/**
 * Passes events of shims on, those of a namespace in the order in which they came, and learns from them. The exit of a
 * process is passed on once, be it the shim that tells it or this runtime in its place; and before its task is gone.
 */
export class EventRelay {
  readonly #options: RelayOptions;
  readonly #order = new KeyedLock();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** An event of a shim. Rejects if it could not be passed on; the shim tries again then. */
  async forward(envelope: Envelope): Promise<void> {
    switch (envelope.topic) {
      case '/tasks/exec-started': {
        const { containerId, execId, pid } = unpackMessage(TaskExecStartedSchema, envelope.event);
        const task = this.#find(envelope, containerId);
        if (task?.execs.has(execId)) task.execs.set(execId, pid);
        return this.#passOn(envelope);
      }
      case '/tasks/exit': {
        const { containerId, id, pid, exitStatus, exitedAt } = unpackMessage(TaskExitSchema, envelope.event);
        const task = this.#find(envelope, containerId);
        const execId = task && processOf(task, id, pid);
        if (task === undefined || execId === undefined) return this.#passOn(envelope);
        const exit = { exitStatus, exitedAt: dateOf(exitedAt) ?? envelope.timestamp };
        return this.#exit(task, execId, exit, envelope);
      }
      case '/tasks/delete': {
        const { containerId, id, exitStatus, exitedAt } = unpackMessage(TaskDeleteSchema, envelope.event);
        const task = id === '' || id === containerId ? this.#find(envelope, containerId) : undefined;
        if (task === undefined) return this.#passOn(envelope);
        await this.tellExit(task, '', { exitStatus, exitedAt: dateOf(exitedAt) ?? envelope.timestamp });
        return this.#gone(task, envelope);
      }
      default:
        return this.#passOn(envelope);
    }
  }

  /** Tells the exit of a process in the place of its shim, unless that was told. */
  async tellExit(task: ShimTask, execId: string, exit: Exit): Promise<void> {
    const { id } = task;
    const event = packMessage(TaskExitSchema, {
      containerId: id,
      id: execId === '' ? id : execId,
      pid: pidOf(task, execId),
      exitStatus: exit.exitStatus,
      exitedAt: timestampOf(exit.exitedAt),
    });
    await this.#exit(task, execId, exit, this.#envelope(task, '/tasks/exit', event)).catch((e: unknown) =>
      this.#lost(task, '/tasks/exit', e),
    );
  }

  /** Tells all exits that are known and were not told: those of execs before that of the init. */
  async tellKnownExits(task: ShimTask): Promise<void> {
    const known = [...task.exits.entries()].sort(([a], [b]) => Number(a === '') - Number(b === ''));
    for (const [execId, exit] of known) await this.tellExit(task, execId, exit);
  }

  /** Tells in the place of its shim that a task is gone, unless that was told. */
  async tellGone(task: ShimTask, { exitStatus, exitedAt }: Exit): Promise<void> {
    const event = packMessage(TaskDeleteSchema, {
      containerId: task.id,
      pid: task.pid,
      exitStatus,
      exitedAt: timestampOf(exitedAt),
    });
    await this.#gone(task, this.#envelope(task, '/tasks/delete', event)).catch((e: unknown) =>
      this.#lost(task, '/tasks/delete', e),
    );
  }

  async #exit(task: ShimTask, execId: string, exit: Exit, envelope: Envelope): Promise<void> {
    if (task.told.has(execId)) return;
    task.told.add(execId);
    try {
      // Whoever waits may ask for what the event says, and finds it told.
      await this.#passOn(envelope);
    } catch (e) {
      task.told.delete(execId);
      throw e;
    } finally {
      task.exits.tell(execId, exit);
    }
    await this.#options.save(task);
  }

  async #gone(task: ShimTask, envelope: Envelope): Promise<void> {
    if (task.isGone) return;
    task.isGone = true;
    try {
      await this.#passOn(envelope);
    } finally {
      task.gone.resolve();
    }
  }

  async #passOn(envelope: Envelope): Promise<void> {
    using _ = await this.#order.acquire([envelope.namespace]);
    await this.#options.events.forward(envelope);
  }

  #find({ namespace }: Envelope, id: string): ShimTask | undefined {
    return this.#options.find({ namespace, id });
  }

  #envelope({ namespace }: ShimTask, topic: string, event: TypedBytes): Envelope {
    return { timestamp: new Date(), namespace, topic, event };
  }

  #lost({ namespace, id }: ShimTask, topic: string, e: unknown): void {
    this.#options.log.error({ namespace, id, topic, reason: reasonOf(e) }, 'passing on an event failed');
  }
}

/**
 * Which process of a task an exit is of. Undefined for one that the task does not have, or not any more: ids are used
 * again, and a shim that could not tell an exit tells it later.
 */
function processOf(task: ShimTask, id: string, pid: number): string | undefined {
  if (id === task.id && pid === task.pid) return '';
  const exec = task.execs.get(id);
  // A shim with a virtual machine may know no pids, and one may leave out to tell that the exec started.
  return exec !== undefined && (!exec || exec === pid) ? id : undefined;
}

function pidOf(task: ShimTask, execId: string): number {
  return execId === '' ? task.pid : (task.execs.get(execId) ?? 0);
}
