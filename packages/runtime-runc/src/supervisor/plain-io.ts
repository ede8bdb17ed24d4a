import { fchownSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Fault } from '@stowage/core';
import { close, openFifo } from '@stowage/linux';
import type { Stdio } from '@stowage/runtime';
import type { CommandStdio } from './command.ts';
import { adoptTail, FifoTail } from './fifo-tail.ts';
import type { ProcessIO } from './process-io.ts';
import { type StreamName, type StreamTarget, streamTarget } from './stream-target.ts';

export interface IoOwner {
  readonly ioUid: number;
  readonly ioGid: number;
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
  #stdinWriter: number | undefined;
  #stdio: CommandStdio = [null, null, null];

  static async open({ stdin, stdout, stderr }: Stdio, owner: IoOwner): Promise<PlainIO> {
    const [input, out, err] = await Promise.all([
      streamTarget('stdin', stdin),
      streamTarget('stdout', stdout),
      streamTarget('stderr', stderr),
    ]);
    const io = new PlainIO();
    try {
      const fd0 = await io.#openInput(input, owner);
      const fd1 = await io.#openOutput(out, owner);
      const fd2 = stdout !== '' && stdout === stderr ? fd1 : await io.#openOutput(err, owner);
      io.#stdio = [fd0, fd1, fd2];
      return io;
    } catch (e) {
      io.close();
      throw e;
    }
  }

  /** Those of a process that an earlier supervisor started. */
  static async adopt({ stdin, stdout, stderr }: Stdio, stdinClosed: boolean): Promise<PlainIO> {
    const io = new PlainIO();
    for (const uri of new Set([stdout, stderr])) {
      const target = await found('stdout', uri);
      const tail = target?.kind === 'fifo' ? adoptTail(target.path) : undefined;
      if (tail !== undefined) io.#tails.push(tail);
    }
    const input = stdinClosed ? undefined : await found('stdin', stdin);
    if (input?.kind === 'fifo') io.#stdinWriter = openWriter(input.path);
    return io;
  }

  get stdio(): CommandStdio {
    return this.#stdio;
  }

  async #openInput(target: StreamTarget, owner: IoOwner): Promise<number | null> {
    if (target.kind === 'none') return null;
    if (target.kind === 'file') return this.#give(await open(target.path, 'r'));
    const fd = openFifo(target.path, 'read');
    this.#given.push(fd);
    chown(fd, owner);
    // Held, so that a client that closes its end and opens it again ends nothing.
    this.#stdinWriter = openFifo(target.path, 'write', { nonblocking: true });
    return fd;
  }

  async #openOutput(target: StreamTarget, owner: IoOwner): Promise<number | null> {
    if (target.kind === 'none') return null;
    if (target.kind === 'file') return this.#give(await open(target.path, 'a', 0o640));
    const fd = openFifo(target.path, 'both');
    this.#given.push(fd);
    chown(fd, owner);
    this.#tails.push(new FifoTail(target.path));
    return fd;
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
    if (this.#stdinWriter !== undefined) close(this.#stdinWriter);
    this.#stdinWriter = undefined;
  }

  resize(): void {
    throw new Fault('failed_precondition', 'resize: the process has no terminal');
  }

  exited(): void {
    this.closeStdin();
    for (const tail of this.#tails) tail.finish();
  }

  async flushed(): Promise<void> {}

  close(): void {
    this.closeStdin();
    for (const tail of this.#tails) tail.close();
    void this.spawned();
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
