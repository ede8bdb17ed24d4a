import type { Readable, Writable } from 'node:stream';
import type { CallOptions } from '@stowage/core';
import type { Exit } from '@stowage/runtime';
import type { ProcessHandle } from './process-handle.ts';
import type { WebStreams } from './web-streams.ts';

/** A process that was started. Disposing kills it if it runs, and leaves nothing of it. */
export class RunningProcess<H extends ProcessHandle = ProcessHandle> implements AsyncDisposable {
  /** On the daemon's machine. */
  readonly pid: number;
  /**
   * Settles when it has exited and all that it printed was handed over. What it prints into streams of this must be read
   * for that.
   *
   * @throws the reason of the signal that it was started with; at once what one of the streams that it was given failed
   *   with. It runs on then, until this is disposed.
   */
  readonly exit: Promise<Exit>;
  /** What else can be done with it. */
  readonly handle: H;

  protected constructor(handle: H, pid: number, exit: Promise<Exit>) {
    this.handle = handle;
    this.pid = pid;
    this.exit = exit;
    // Heard by whoever waits; nobody has to.
    exit.catch(() => undefined);
  }

  /** Starts one. If that fails it is deleted. */
  static async start<H extends ProcessHandle>(
    handle: H,
    { signal }: CallOptions = {},
  ): Promise<RunningProcess<H>> {
    const { pid, exit } = await begun(handle, signal);
    return new RunningProcess(handle, pid, exit);
  }

  /** Its input, if `stdin: true` was asked for; ended by ending it. */
  get stdin(): Writable | undefined {
    return this.handle.stdin;
  }

  /** What it prints, if `stdout: true` was asked for. */
  get stdout(): Readable | undefined {
    return this.handle.stdout;
  }

  get stderr(): Readable | undefined {
    return this.handle.stderr;
  }

  /** The same as streams of the web. Take either these or those. */
  get web(): WebStreams {
    return this.handle.web;
  }

  /** @throws Fault `not_found` if it has exited. */
  kill(signal?: NodeJS.Signals | number, options?: CallOptions & { readonly all?: boolean }): Promise<void> {
    return this.handle.kill(signal, options);
  }

  /** Gives its terminal another size, in characters. */
  resize(width: number, height: number, options?: CallOptions): Promise<void> {
    return this.handle.resize(width, height, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle[Symbol.asyncDispose]();
  }
}

/** Starts a process with its exit waited for; one that does not start is deleted. */
export async function begun(
  handle: ProcessHandle,
  signal: AbortSignal | undefined,
): Promise<{ readonly pid: number; readonly exit: Promise<Exit> }> {
  const exit = handle.finished({ signal });
  exit.catch(() => undefined);
  try {
    const pid = await handle.start();
    signal?.throwIfAborted();
    return { pid, exit };
  } catch (e) {
    await handle[Symbol.asyncDispose]();
    throw e;
  }
}
