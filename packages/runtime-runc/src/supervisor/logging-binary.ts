import type { Socket } from 'node:net';
import { errnoOf, type Logger } from '@stowage/core';
import { hasCode, pidfdSendSignal } from '@stowage/linux';
import { isSameProcess } from '@stowage/linux/reap';
import type { CommandRunner } from './command.ts';
import { Drain } from './drain.ts';
import { settlesWithin } from './in-time.ts';
import type { ProcessExit, Reaper, WatchedProcess } from './reaper.ts';

/** How long it may take, once its streams have ended, to write what it has; then, to end when it is told to. */
const FINISH_MS = 10_000;
const TERMINATE_MS = 2000;

export const OUTPUTS = ['stdout', 'stderr'] as const;
export type OutputName = (typeof OUTPUTS)[number];

/** What another supervisor must know of a logging binary. */
export interface LoggerRecord {
  readonly pid: number;
  /** Clock ticks from boot, decimal. */
  readonly startTime: string;
  readonly streams: readonly OutputName[];
}

/** Whose output it is, and what it takes to look after a logging binary. */
export interface LoggerHost {
  readonly namespace: string;
  /** Of the container. */
  readonly id: string;
  /** The path that the names of all files of the process begin with. */
  readonly files: string;
  readonly reaper: Reaper;
  readonly commands: CommandRunner;
  readonly log: Logger;
}

export const outputFifo = (files: string, name: OutputName): string => `${files}.${name}`;
export const saysFifo = (files: string, streams: readonly OutputName[]): string =>
  `${files}.${streams[0]}-log`;

export interface LoggingBinaryParts {
  readonly host: LoggerHost;
  readonly record: LoggerRecord;
  /** Undefined if it has ended, nobody knows how. */
  readonly watched: WatchedProcess | undefined;
  /** Its standard error. */
  readonly says: Drain | undefined;
  /** On which it said that it is ready; held, since it may say more. */
  readonly line?: Socket | undefined;
}

/**
 * A program that reads the output of a process, from its start to the end of both streams.
 *
 * The process has both ends of its FIFOs, as it has of a client's, so it outlives its logger. Should that end first,
 * what is written is read here and dropped: a container must not stop, or be killed, for its log. It is not started
 * again: one that fails would most likely fail again, and what comes after a gap looks like a whole log.
 */
export class LoggingBinary {
  readonly record: LoggerRecord;
  readonly #parts: LoggingBinaryParts;
  readonly #drains: Disposable[] = [];
  #ended = false;
  #streamsEnded = false;
  #finishing: Promise<void> | undefined;

  constructor(parts: LoggingBinaryParts) {
    this.record = parts.record;
    this.#parts = parts;
    if (parts.watched === undefined) this.#end(undefined);
    else void parts.watched.exited.then((exit) => this.#end(exit));
  }

  /** Goes on with one that an earlier supervisor started, and that did not notice its death. */
  static adopt(host: LoggerHost, record: LoggerRecord): LoggingBinary {
    const says = openDrain(saysFifo(host.files, record.streams));
    return new LoggingBinary({ host, record, watched: watchSame(host.reaper, record), says });
  }

  /** The process that wrote has ended. */
  exited(): void {
    this.#streamsEnded = true;
  }

  /**
   * Settles when it has ended: by itself, as it should at the end of its streams; some seconds later because it is
   * told to; at last because it is killed. Call it once nobody writes.
   */
  finish(): Promise<void> {
    this.#streamsEnded = true;
    this.#finishing ??= this.#finish();
    return this.#finishing;
  }

  async #finish(): Promise<void> {
    const { watched } = this.#parts;
    const exited = watched?.exited ?? Promise.resolve();
    if (!(await settlesWithin(FINISH_MS, exited))) {
      this.#signal('SIGTERM');
      if (!(await settlesWithin(TERMINATE_MS, exited))) this.#signal('SIGKILL');
    }
    await exited;
    for (const one of [...this.#drains, this.#parts.says]) one?.[Symbol.dispose]();
    this.#parts.line?.destroy();
  }

  /** It is of no use: ends it now, with its children. */
  kill(): void {
    this.#signal('SIGKILL');
    void this.finish();
  }

  #signal(signal: NodeJS.Signals): void {
    const { watched } = this.#parts;
    if (watched === undefined || this.#ended) return;
    try {
      // It leads a process group of its own, which no other can be while its leader is not reaped.
      if (signal === 'SIGKILL') process.kill(-watched.pid, signal);
      else pidfdSendSignal(watched.pidfd, signal);
    } catch (e) {
      if (!hasCode(e, 'ESRCH')) throw e;
    }
  }

  #end(exit: ProcessExit | undefined): void {
    this.#ended = true;
    const { host, record, says } = this.#parts;
    const { namespace, id, log } = host;
    const facts = { namespace, id, pid: record.pid, exitStatus: exit?.exitStatus, says: says?.text };
    if (!this.#streamsEnded) {
      const opened = record.streams.map((name) => openDrain(outputFifo(host.files, name)));
      this.#drains.push(...opened.filter((drain) => drain !== undefined));
      log.error(facts, 'a logging binary ended before its container: what that writes now is dropped');
    } else if (exit?.exitStatus !== 0) {
      log.warn(facts, 'a logging binary failed');
    }
  }
}

function watchSame(reaper: Reaper, { pid, startTime }: LoggerRecord): WatchedProcess | undefined {
  try {
    return isSameProcess(pid, BigInt(startTime)) ? reaper.watch(pid) : undefined;
  } catch (e) {
    if (!hasCode(e, 'ESRCH')) throw e;
    return undefined;
  }
}

/** Undefined if the FIFO is gone. */
function openDrain(path: string): Drain | undefined {
  try {
    return new Drain(path);
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
    return undefined;
  }
}
