import { abortable, type CallOptions, Fault } from '@stowage/core';
import { hasCode, pidfdSendSignal } from '@stowage/linux';
import type { Exit, ProcessState, Stdio, TaskStatus } from '@stowage/runtime';
import type { LoggerRecord } from './logging-binary.ts';
import type { ProcessIO } from './process-io.ts';
import type { WatchedProcess } from './reaper.ts';
import type { ProcessPhase, ProcessRecord } from './task-record.ts';

/** One process of a task: what is known of it, and who waits for its end. */
export class TaskProcess {
  /** Names it in messages: `c`, or `exec e in c`. */
  readonly name: string;
  readonly stdio: Stdio;
  phase: ProcessPhase;
  io: ProcessIO | undefined;
  stdinClosed = false;
  /** Of its terminal, where somebody has set one. */
  size: { readonly width: number; readonly height: number } | undefined;
  /** Its exit's event is in the event log. */
  announced = false;
  /** It was killed, and the kernel had killed in its container for want of memory. */
  outOfMemory = false;
  /** Create or start, while under way: an exit is announced only after what it follows was. */
  settling: Promise<unknown> = Promise.resolve();
  #watched: WatchedProcess | undefined;
  #pid = 0;
  #startTime: bigint | undefined;
  /** As an earlier supervisor wrote them down. */
  #loggers: readonly LoggerRecord[] = [];
  #exit: Exit | undefined;
  readonly #ended = Promise.withResolvers<Exit>();

  constructor(name: string, stdio: Stdio, phase: ProcessPhase) {
    this.name = name;
    this.stdio = stdio;
    this.phase = phase;
    this.#ended.promise.catch(() => {});
  }

  static fromRecord(name: string, record: ProcessRecord): TaskProcess {
    const process = new TaskProcess(name, record.stdio, record.phase);
    process.stdinClosed = record.stdinClosed ?? false;
    process.announced = record.announced ?? false;
    process.outOfMemory = record.outOfMemory ?? false;
    process.#pid = record.pid ?? 0;
    process.#loggers = record.loggers ?? [];
    if (record.startTime !== undefined) process.#startTime = BigInt(record.startTime);
    if (record.exit !== undefined) {
      process.#exit = { exitStatus: record.exit.status, exitedAt: new Date(record.exit.at) };
      process.#ended.resolve(process.#exit);
    }
    return process;
  }

  toRecord(): ProcessRecord {
    return {
      phase: this.phase,
      stdio: this.stdio,
      stdinClosed: this.stdinClosed,
      pid: this.#pid === 0 ? undefined : this.#pid,
      startTime: this.#startTime?.toString(),
      exit: this.#exit && { status: this.#exit.exitStatus, at: this.#exit.exitedAt.toISOString() },
      announced: this.announced,
      ...(this.outOfMemory && { outOfMemory: true }),
      loggers: this.loggers,
    };
  }

  /** 0 before there is one. */
  get pid(): number {
    return this.#pid;
  }

  get startTime(): bigint | undefined {
    return this.#startTime;
  }

  get loggers(): readonly LoggerRecord[] {
    return this.io?.loggers ?? this.#loggers;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  watched(process: WatchedProcess): void {
    this.#watched = process;
    this.#pid = process.pid;
    this.#startTime = process.startTime;
  }

  /** It runs under this pid, as another supervisor's runtime wrote down. */
  found(pid: number): void {
    this.#pid = pid;
  }

  /** It has ended. Callers of {@link wait} are told by {@link tellEnd}. */
  stopped(exit: Exit): void {
    this.#watched = undefined;
    this.#exit = exit;
    this.phase = 'stopped';
  }

  tellEnd(): void {
    if (this.#exit !== undefined) this.#ended.resolve(this.#exit);
  }

  /** It is deleted. Whoever waits for the end of a process that never started learns that there will be none. */
  gone(): void {
    this.io?.close();
    this.#ended.reject(new Fault('not_found', `wait for ${this.name}: it was deleted`));
  }

  /** Sends a signal to exactly this process. */
  signal(number: number): void {
    try {
      if (this.#watched !== undefined) {
        pidfdSendSignal(this.#watched.pidfd, number);
        return;
      }
    } catch (e) {
      if (!hasCode(e, 'ESRCH')) throw e;
    }
    throw new Fault('not_found', `kill ${this.name}: the process has finished`);
  }

  wait({ signal }: CallOptions): Promise<Exit> {
    return abortable(this.#ended.promise, signal);
  }

  state(id: string, execId: string, bundle: string, status: TaskStatus): ProcessState {
    return {
      ...{ id, execId, bundle, status, ...this.stdio },
      pid: this.#pid,
      exitStatus: this.#exit?.exitStatus ?? 0,
      exitedAt: this.#exit?.exitedAt,
    };
  }
}
