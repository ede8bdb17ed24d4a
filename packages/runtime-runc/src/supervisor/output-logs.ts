import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { errnoOf } from '@stowage/core';
import { close, mkfifo, openFifo } from '@stowage/linux';
import type { Handles } from '../handover-message.ts';
import { settlesWithin } from './in-time.ts';
import { LogCopy } from './log-copy.ts';
import { LogFile } from './log-file.ts';
import { type LoggerHost, OUTPUTS, type OutputName, outputFifo } from './logging-binary.ts';
import type { StreamTarget } from './stream-target.ts';

/** How long the last output may take: something that the process left running may hold it open. */
const FINISH_MS = 2000;

type Outputs = { readonly [K in OutputName]?: StreamTarget | undefined };

/**
 * The log files of a process without a terminal, for each stream that has one.
 *
 * The process has both ends of a FIFO, as it has of a client's: it outlives whoever reads, which another supervisor goes
 * on with. The daemon is handed the reading end, so that what an exited process wrote last waits there as well.
 */
export class OutputLogs {
  readonly #host: LoggerHost;
  readonly #files = new Map<string, LogFile>();
  readonly #readers = new Map<OutputName, { readonly fd: number; readonly socket: Socket }>();
  readonly #writers = new Map<OutputName, number>();
  readonly #copies: LogCopy[] = [];

  private constructor(host: LoggerHost) {
    this.#host = host;
  }

  /** @throws what a file can't be opened for. */
  static async open(outputs: Outputs, host: LoggerHost): Promise<OutputLogs> {
    const logs = new OutputLogs(host);
    try {
      for (const name of OUTPUTS) {
        const file = logs.#fileOf(outputs[name]);
        if (file === undefined) continue;
        await file.open();
        const path = outputFifo(host.files, name);
        // Of an attempt before that failed.
        await rm(path, { force: true });
        mkfifo(path, 0o600);
        // A writer is there first, or the reader would find the end at once.
        logs.#writers.set(name, openFifo(path, 'both'));
        logs.#read(name, path, file);
      }
      return logs;
    } catch (e) {
      await logs.close();
      throw e;
    }
  }

  /** Those of a process that an earlier supervisor started. */
  static adopt(outputs: Outputs, host: LoggerHost): OutputLogs {
    const logs = new OutputLogs(host);
    for (const name of OUTPUTS) {
      const file = logs.#fileOf(outputs[name]);
      if (file !== undefined) logs.#readIfThere(name, file);
    }
    return logs;
  }

  #fileOf(target: StreamTarget | undefined): LogFile | undefined {
    if (target?.kind !== 'log') return undefined;
    const file = this.#files.get(target.uri) ?? new LogFile(target, this.#host.log);
    this.#files.set(target.uri, file);
    return file;
  }

  #read(name: OutputName, path: string, file: LogFile): void {
    const fd = openFifo(path, 'read', { nonblocking: true });
    const socket = new Socket({ fd, readable: true, writable: false });
    this.#readers.set(name, { fd, socket });
    this.#copies.push(new LogCopy(socket, name, file));
  }

  #readIfThere(name: OutputName, file: LogFile): void {
    try {
      this.#read(name, outputFifo(this.#host.files, name), file);
    } catch (e) {
      if (errnoOf(e) !== 'ENOENT') throw e;
    }
  }

  /** The descriptor to write a stream to: blocking, open for both directions, the caller's from now on. */
  takeWriter(name: OutputName): number | undefined {
    const fd = this.#writers.get(name);
    this.#writers.delete(name);
    return fd;
  }

  handles(): Handles {
    const open = [...this.#readers].filter(([, { socket }]) => !socket.destroyed);
    return Object.fromEntries(open.map(([name, { fd }]) => [name, fd]));
  }

  /** Settles when all that was written is in the files, after some seconds at the most. Call it once nobody writes. */
  async finish(): Promise<void> {
    await settlesWithin(FINISH_MS, Promise.all(this.#copies.map(({ done }) => done)));
    await this.close();
  }

  async close(): Promise<void> {
    for (const fd of this.#writers.values()) close(fd);
    this.#writers.clear();
    for (const { socket } of this.#readers.values()) socket.destroy();
    await Promise.all(this.#copies.map(({ done }) => done));
    await Promise.all([...this.#files.values()].map((file) => file.close()));
  }
}
