import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type CallOptions, Fault, unlessGone } from '@stowage/core';
import type { Exit } from '@stowage/runtime';
import type { ContainerProcess, Process, Tasks } from '@stowage/tasks';
import type { ProcessIo } from './process-io.ts';
import { type WebStreams, webStreams } from './web-streams.ts';

/** Whether disposing a handle ends the process. */
export type Ownership = 'owned' | 'borrowed';

/** A process of a container: its init, or an exec. Disposing kills and deletes it, unless it is borrowed. */
export class ProcessHandle implements AsyncDisposable {
  readonly containerId: string;
  readonly execId: string | undefined;
  protected readonly tasks: Tasks;
  protected readonly io: ProcessIo;
  #ownership: Ownership;
  #deleted = false;
  #web: WebStreams | undefined;

  constructor(tasks: Tasks, id: ContainerProcess, io: ProcessIo, ownership: Ownership = 'owned') {
    this.#ownership = ownership;
    this.tasks = tasks;
    this.containerId = id.containerId;
    this.execId = id.execId;
    this.io = io;
  }

  /** Its input, if `stdin: true` was asked for. Ending it ends the input of the process. */
  get stdin(): Writable | undefined {
    return this.io.stdin;
  }

  /** What it prints, if `stdout: true` was asked for. Must be read: a full pipe stops the process. */
  get stdout(): Readable | undefined {
    return this.io.stdout;
  }

  get stderr(): Readable | undefined {
    return this.io.stderr;
  }

  /** The same as streams of the web. Take either these or those. */
  get web(): WebStreams {
    this.#web ??= webStreams(this.stdin, this.stdout, this.stderr);
    return this.#web;
  }

  /** @returns the pid on the daemon's machine. */
  async start(options?: CallOptions): Promise<number> {
    const { pid } = await this.tasks.start(this.id, options);
    this.connectStreams();
    return pid;
  }

  /** Begins to hand streams over, of a process that was started before; a start does it too. */
  connectStreams(): void {
    this.io.listen();
    this.io.feed(() => this.closeInput());
  }

  /** Settles when it has exited. Call it before `start`: what is not awaited yet can't be missed. */
  wait(options?: CallOptions): Promise<Exit> {
    return this.tasks.wait(this.id, options);
  }

  /**
   * Settles when it has exited and all that it printed was handed over.
   *
   * @throws at once what one of the streams that it was given failed with, such as EPIPE; it runs on then.
   */
  async finished({ signal }: CallOptions = {}): Promise<Exit> {
    const stop = new AbortController();
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    try {
      const exit = await Promise.race([this.io.failed(), this.wait({ signal: either })]);
      await this.io.drained();
      return exit;
    } finally {
      stop.abort();
    }
  }

  /** @throws Fault `not_found` if it has exited. */
  kill(
    signal: NodeJS.Signals | number = 'SIGTERM',
    options?: CallOptions & { readonly all?: boolean },
  ): Promise<void> {
    const number = typeof signal === 'number' ? signal : constants.signals[signal];
    return this.tasks.kill({ ...this.id, signal: number, all: options?.all }, options);
  }

  /** Gives its terminal another size, in characters. */
  resize(width: number, height: number, options?: CallOptions): Promise<void> {
    return this.tasks.resizePty({ ...this.id, width, height }, options);
  }

  status(options?: CallOptions): Promise<Process> {
    return this.tasks.get(this.id, options);
  }

  /** Ends its standard input. */
  async closeInput(options?: CallOptions): Promise<void> {
    await unlessGone(this.tasks.closeIO(this.id, options));
  }

  /**
   * Removes it after its exit. What it printed last is handed over first.
   *
   * @throws Fault `failed_precondition` while it runs; containerd itself would not say so in a way to branch on.
   */
  async delete(options?: CallOptions): Promise<Exit> {
    const { status } = await this.status(options);
    if (status === 'stopped') await this.io.flush();
    else if (status !== 'created') {
      const name = this.execId === undefined ? `task ${this.containerId}` : `exec ${this.execId}`;
      throw new Fault('failed_precondition', `delete ${name}: it is ${status}; kill it first`);
    }
    const { containerId, execId } = this;
    const exit =
      execId === undefined
        ? await this.tasks.delete(containerId, options)
        : await this.tasks.deleteProcess({ containerId, execId }, options);
    this.#deleted = true;
    await this.io[Symbol.asyncDispose]();
    return exit;
  }

  /** Kills it if it has not exited, and deletes it. One that is gone already is no failure. */
  async end(options?: CallOptions): Promise<void> {
    try {
      const { status } = await this.status(options);
      // An exec that never ran can't be killed; it need not.
      if (status !== 'stopped' && !(status === 'created' && this.execId !== undefined)) {
        await unlessGone(this.kill('SIGKILL', { ...options, all: this.execId === undefined }));
        // Under cgroup v1 a frozen process does not die before it is thawed.
        if (status === 'paused')
          await unlessGone(this.tasks.resume(this.containerId, options)).catch(unlessLate);
        await this.wait(options);
      }
      await this.delete(options);
    } catch (e) {
      if (!Fault.is(e, 'not_found')) throw e;
    }
  }

  /** Lets it run on when the handle is disposed. */
  release(): void {
    this.#ownership = 'borrowed';
  }

  /**
   * The same, and leaves the FIFOs of its streams where they are, for others to go on with. While nobody reads, a process
   * that prints waits once a FIFO is full.
   */
  leave(): void {
    this.release();
    this.io.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#deleted && this.#ownership === 'owned') await this.end();
    } finally {
      await this.io[Symbol.asyncDispose]();
    }
  }

  protected get id(): ContainerProcess {
    const { containerId, execId } = this;
    return execId === undefined ? { containerId } : { containerId, execId };
  }
}

/**
 * Passes over that what was killed is no longer frozen: it has ended, or the runtime thawed it to have it killed, and it has
 * yet to end. The latter in the words of runc and crun, the former in those of containerd's shim, which daemons hand on
 * without a kind.
 */
function unlessLate(e: unknown): void {
  if (
    Fault.is(e, 'failed_precondition') ||
    (Fault.is(e) && /\bnot paused\b|resume a stopped /.test(e.message))
  )
    return;
  throw e;
}
