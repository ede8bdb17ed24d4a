import { fchownSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type CallOptions, Fault } from '@stowage/core';
import { close, openFifo } from '@stowage/linux';
import type { Stdio } from '@stowage/runtime';
import type { Handles } from '../handover-message.ts';
import type { CommandStdio } from './command.ts';
import { adoptTail, FifoTail } from './fifo-tail.ts';
import { Loggers } from './loggers.ts';
import type { LoggerHost, LoggerRecord, OutputName } from './logging-binary.ts';
import type { IoOwner } from './open-io.ts';
import { OutputLogs } from './output-logs.ts';
import type { ProcessIO } from './process-io.ts';
import { type StreamName, type StreamTarget, streamTarget } from './stream-target.ts';
import type { TaskProcess } from './task-process.ts';

export interface PlainIOOptions {
  readonly host: LoggerHost;
  readonly owner: IoOwner;
}

/**
 * Streams without a terminal. The process gets the client's FIFOs themselves, so no byte passes through here and the
 * death of this process breaks no stream.
 *
 * Output FIFOs are given to it open for both directions: being its own reader it gets no SIGPIPE, and with nobody
 * else reading it alone waits. These descriptions are blocking, known to nobody but the runtime, and closed here once
 * it has passed them on: libuv would set them nonblocking.
 */
export class PlainIO implements ProcessIO {
  readonly #given: (number | FileHandle)[] = [];
  readonly #tails: FifoTail[] = [];
  #loggers: Loggers | undefined;
  #logs: OutputLogs | undefined;
  #stdinWriter: number | undefined;
  /** Nobody shall read more from standard input, or nothing does. */
  #stdinEnded = false;
  #stdio: CommandStdio = [null, null, null];

  static async open(
    { stdin, stdout, stderr }: Stdio,
    { host, owner }: PlainIOOptions,
    options: CallOptions,
  ): Promise<PlainIO> {
    const [input, out, err] = await Promise.all([
      streamTarget('stdin', stdin),
      streamTarget('stdout', stdout),
      streamTarget('stderr', stderr),
    ]);
    const io = new PlainIO();
    try {
      io.#loggers = await Loggers.start({ stdout: out, stderr: err }, host, options);
      io.#logs = await OutputLogs.open({ stdout: out, stderr: err }, host);
      const fd0 = await io.#openInput(input, owner);
      const fd1 = await io.#openOutput('stdout', out, owner);
      const same = stdout !== '' && stdout === stderr && err.kind !== 'logger' && err.kind !== 'log';
      const fd2 = same ? fd1 : await io.#openOutput('stderr', err, owner);
      io.#stdio = [fd0, fd1, fd2];
      return io;
    } catch (e) {
      io.close();
      throw e;
    }
  }

  /** Those of a process that an earlier supervisor started. */
  static async adopt({ stdio, stdinClosed, loggers }: TaskProcess, host: LoggerHost): Promise<PlainIO> {
    const { stdin, stdout, stderr } = stdio;
    const io = new PlainIO();
    io.#loggers = Loggers.adopt(host, loggers);
    io.#stdinEnded = stdinClosed || stdin === '';
    for (const uri of new Set([stdout, stderr])) {
      const target = await found('stdout', uri);
      const tail = target?.kind === 'fifo' ? adoptTail(target.path) : undefined;
      if (tail !== undefined) io.#tails.push(tail);
    }
    io.#logs = OutputLogs.adopt(
      { stdout: await found('stdout', stdout), stderr: await found('stderr', stderr) },
      host,
    );
    const input = stdinClosed ? undefined : await found('stdin', stdin);
    if (input?.kind === 'fifo') io.#stdinWriter = openWriter(input.path);
    return io;
  }

  get stdio(): CommandStdio {
    return this.#stdio;
  }

  get loggers(): readonly LoggerRecord[] {
    return this.#loggers?.records ?? [];
  }

  async #openInput(target: StreamTarget, owner: IoOwner): Promise<number | null> {
    if (target.kind === 'file') return this.#give(await open(target.path, 'r'));
    if (target.kind !== 'fifo') return null;
    const fd = openFifo(target.path, 'read');
    this.#given.push(fd);
    chown(fd, owner);
    // Held, so that a client that closes its end and opens it again ends nothing.
    this.#stdinWriter = openFifo(target.path, 'write', { nonblocking: true });
    return fd;
  }

  async #openOutput(name: OutputName, target: StreamTarget, owner: IoOwner): Promise<number | null> {
    if (target.kind === 'none') return null;
    if (target.kind === 'file') return this.#give(await open(target.path, 'a', 0o640));
    const fd = target.kind === 'fifo' ? openFifo(target.path, 'both') : this.#takeWriter(name, target.kind);
    if (fd === undefined) return null;
    this.#given.push(fd);
    chown(fd, owner);
    // A logging binary has its end open from the start, and needs no one to hold what it has not read.
    if (target.kind === 'fifo') this.#tails.push(new FifoTail(target.path));
    return fd;
  }

  #takeWriter(name: OutputName, kind: 'log' | 'logger'): number | undefined {
    return kind === 'log' ? this.#logs?.takeWriter(name) : this.#loggers?.takeWriter(name);
  }

  #give(file: FileHandle): number {
    this.#given.push(file);
    return file.fd;
  }

  async spawned(): Promise<void> {
    for (const one of this.#given.splice(0)) {
      if (typeof one === 'number') close(one);
      else await one.close();
    }
  }

  closeStdin(): void {
    this.#stdinEnded = true;
    if (this.#stdinWriter !== undefined) close(this.#stdinWriter);
    this.#stdinWriter = undefined;
  }

  resize(): void {
    throw new Fault('failed_precondition', 'resize: the process has no terminal');
  }

  exited(): void {
    this.closeStdin();
    for (const tail of this.#tails) tail.finish();
    this.#loggers?.exited();
  }

  async flushed(): Promise<void> {
    await Promise.all([this.#loggers?.finish(), this.#logs?.finish()]);
  }

  handles(): Handles {
    const logs = this.#logs?.handles();
    return this.#stdinWriter === undefined ? { ...logs } : { stdin: this.#stdinWriter, ...logs };
  }

  /** What was kept is of the FIFO itself, whatever is at its path by now. Those of logs are found at theirs. */
  take({ stdin, ...others }: Handles): void {
    for (const fd of Object.values(others)) close(fd);
    if (stdin === undefined) return;
    if (this.#stdinEnded) {
      close(stdin);
      return;
    }
    if (this.#stdinWriter !== undefined) close(this.#stdinWriter);
    this.#stdinWriter = stdin;
  }

  close(): void {
    this.closeStdin();
    for (const tail of this.#tails) tail.close();
    void this.spawned().then(() => Promise.all([this.#loggers?.finish(), this.#logs?.finish()]));
  }
}

function chown(fd: number, { ioUid, ioGid }: IoOwner): void {
  if (ioUid !== 0 || ioGid !== 0) fchownSync(fd, ioUid, ioGid);
}

async function found(name: StreamName, uri: string): Promise<StreamTarget | undefined> {
  try {
    return await streamTarget(name, uri);
  } catch (e) {
    if (Fault.is(e)) return undefined;
    throw e;
  }
}

/** Undefined if the FIFO has no reader any more, or is gone. */
function openWriter(path: string): number | undefined {
  try {
    return openFifo(path, 'write', { nonblocking: true });
  } catch {
    return undefined;
  }
}
