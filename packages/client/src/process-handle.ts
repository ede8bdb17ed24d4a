import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { type CallOptions, Fault } from '@stowage/core';
import type { Exit } from '@stowage/runtime';
import type { ContainerProcess, Process, Tasks } from '@stowage/tasks';
import type { ProcessIo } from './process-io.ts';

/** Whether disposing a handle ends the process. */
export type Ownership = 'owned' | 'borrowed';

/** A process of a container: its init, or an exec. Disposing kills and deletes it, unless it is borrowed. */
export class ProcessHandle implements AsyncDisposable {
  readonly containerId: string;
  readonly execId: string | undefined;
  protected readonly tasks: Tasks;
  protected readonly io: ProcessIo;
  readonly #ownership: Ownership;
  #deleted = false;

  constructor(tasks: Tasks, id: ContainerProcess, io: ProcessIo, ownership: Ownership = 'owned') {
    this.#ownership = ownership;
    this.tasks = tasks;
    this.containerId = id.containerId;
    this.execId = id.execId;
    this.io = io;
  }

  /** What it prints, if `stdout: true` was asked for. Must be read: a full pipe stops the process. */
  get stdout(): Readable | undefined {
    return this.io.stdout;
  }

  get stderr(): Readable | undefined {
    return this.io.stderr;
  }

  /** @returns the pid on the daemon's machine. */
  async start(options?: CallOptions): Promise<number> {
    const { pid } = await this.tasks.start(this.id, options);
    this.io.feed(() => this.closeInput());
    return pid;
  }

  /** Settles when it has exited. Call it before `start`: what is not awaited yet can't be missed. */
  wait(options?: CallOptions): Promise<Exit> {
    return this.tasks.wait(this.id, options);
  }

  /** Settles when it has exited and all that it printed was handed over. */
  async finished(options?: CallOptions): Promise<Exit> {
    const exit = await this.wait(options);
    await this.io.drained();
    return exit;
  }

  /** @throws Fault `not_found` if it has exited. */
  kill(
    signal: NodeJS.Signals | number = 'SIGTERM',
    options?: CallOptions & { readonly all?: boolean },
  ): Promise<void> {
    const number = typeof signal === 'number' ? signal : constants.signals[signal];
    return this.tasks.kill({ ...this.id, signal: number, all: options?.all }, options);
  }

  resize(width: number, height: number, options?: CallOptions): Promise<void> {
    return this.tasks.resizePty({ ...this.id, width, height }, options);
  }

  status(options?: CallOptions): Promise<Process> {
    return this.tasks.get(this.id, options);
  }

  /** Ends its standard input. */
  async closeInput(options?: CallOptions): Promise<void> {
    try {
      await this.tasks.closeIO(this.id, options);
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
    }
  }

  /** Removes it after its exit. @throws Fault `failed_precondition` while it runs. */
  async delete(options?: CallOptions): Promise<Exit> {
    const { containerId, execId } = this;
    const exit =
      execId === undefined
        ? await this.tasks.delete(containerId, options)
        : await this.tasks.deleteProcess({ containerId, execId }, options);
    this.#deleted = true;
    await this.io[Symbol.asyncDispose]();
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#deleted && this.#ownership === 'owned') await this.#end();
    } finally {
      await this.io[Symbol.asyncDispose]();
    }
  }

  protected get id(): ContainerProcess {
    const { containerId, execId } = this;
    return execId === undefined ? { containerId } : { containerId, execId };
  }

  async #end(): Promise<void> {
    try {
      const { status } = await this.status();
      if (status !== 'stopped') {
        await this.kill('SIGKILL', { all: this.execId === undefined }).catch(unlessGone);
        if (status !== 'created' || this.execId === undefined) await this.wait();
      }
      await this.delete();
    } catch (e) {
      unlessGone(e);
    }
  }
}

function unlessGone(e: unknown): void {
  if (!Fault.is(e, 'not_found')) throw e;
}
