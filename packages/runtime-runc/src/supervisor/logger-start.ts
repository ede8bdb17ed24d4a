import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { abortable, type CallOptions, errnoOf, Fault, quote, reasonOf } from '@stowage/core';
import { close, mkfifo, openFifo } from '@stowage/linux';
import { processStat } from '@stowage/linux/reap';
import { socketPair } from '@stowage/linux/sockets';
import { spawnProcess } from '@stowage/linux/spawn';
import { Drain } from './drain.ts';
import { settlesWithin } from './in-time.ts';
import {
  type LoggerHost,
  LoggingBinary,
  OUTPUTS,
  type OutputName,
  outputFifo,
  saysFifo,
} from './logging-binary.ts';
import type { WatchedProcess } from './reaper.ts';
import type { LoggerTarget } from './stream-target.ts';

/** How long a logging binary may take to say that it reads. */
const READY_MS = 10_000;
/** How long one that failed may take to end, and what it said to arrive. */
const LAST_WORDS_MS = 1000;

export interface LoggerRequest {
  readonly target: LoggerTarget;
  /** What it shall read. */
  readonly streams: readonly OutputName[];
  readonly host: LoggerHost;
}

export interface StartedLogger {
  readonly logger: LoggingBinary;
  /** For the process to write to: blocking, open for both directions, the caller's to close. */
  readonly writers: ReadonlyMap<OutputName, number>;
}

/**
 * Runs a logging binary, and waits until it says that it reads. It finds standard output as descriptor 3 and standard
 * error as 4, of which one that it does not get is at its end; writes to, or closes, 5 when it is ready; and has
 * `CONTAINER_ID` and `CONTAINER_NAMESPACE` for its environment.
 *
 * What it reads are FIFOs in the task's directory, so another supervisor finds them again. Both it and the process
 * have them without this one, whose death neither notices.
 *
 * @throws Fault `not_found` if there is no such program; `unknown` if it ends, or is not ready in time, with what it
 *   printed to its standard error.
 * @see containerd cmd/containerd-shim-runc-v2/process/io.go NewBinaryIO, core/runtime/v2/logging
 */
export async function startLogger(request: LoggerRequest, { signal }: CallOptions): Promise<StartedLogger> {
  const { target, streams, host } = request;
  const theirs: number[] = [];
  const writers = new Map<OutputName, number>();
  let says: Drain | undefined;
  let line: Socket | undefined;
  let logger: LoggingBinary | undefined;
  try {
    for (const name of OUTPUTS) theirs.push(await inputFor(name));
    const saysPath = await freshFifo(saysFifo(host.files, streams));
    theirs.unshift(openFifo(saysPath, 'both'));
    says = new Drain(saysPath);
    const [ours, wait] = socketPair();
    theirs.push(wait);
    line = new Socket({ fd: ours });
    const watched = run(target, [null, null, ...theirs], host);
    const record = { pid: watched.pid, startTime: watched.startTime.toString(), streams };
    logger = new LoggingBinary({ host, record, watched, says, line });
    for (const fd of theirs.splice(0)) close(fd);
    await abortable(isReady(target, watched, line, says), signal);
    return { logger, writers };
  } catch (e) {
    for (const fd of [...theirs, ...writers.values()]) close(fd);
    logger?.kill();
    if (logger === undefined) says?.[Symbol.dispose]();
    if (logger === undefined) line?.destroy();
    throw e;
  }

  /** What it reads one stream from. A writer is there first, or it would find the end at once. */
  async function inputFor(name: OutputName): Promise<number> {
    if (!streams.includes(name)) {
      const [theirEnd, other] = socketPair();
      close(other);
      return theirEnd;
    }
    const path = await freshFifo(outputFifo(host.files, name));
    writers.set(name, openFifo(path, 'both'));
    return openFifo(path, 'read');
  }
}

function run({ path, args }: LoggerTarget, fds: (number | null)[], host: LoggerHost): WatchedProcess {
  using _ = host.reaper.hold();
  const env = { CONTAINER_ID: host.id, CONTAINER_NAMESPACE: host.namespace };
  try {
    const pid = spawnProcess({ file: path, args, env, fds, newSession: true });
    host.commands.keepKillable(pid);
    return host.reaper.watch(pid);
  } catch (e) {
    const kind = errnoOf(e) === 'ENOENT' ? 'not_found' : 'unknown';
    throw new Fault(kind, `start logging binary ${quote(path)}: ${reasonOf(e)}`, { cause: e });
  }
}

async function freshFifo(path: string): Promise<string> {
  // Of an attempt before that failed.
  await rm(path, { force: true });
  mkfifo(path, 0o600);
  return path;
}

async function isReady(
  { path, ready }: LoggerTarget,
  { pid, exited }: WatchedProcess,
  line: Socket,
  says: Drain,
): Promise<void> {
  const said = Promise.withResolvers<'byte' | 'close'>();
  line.once('data', () => said.resolve('byte'));
  line.once('close', () => said.resolve('close'));
  line.on('error', () => {});
  if (!(await settlesWithin(READY_MS, Promise.race([said.promise, exited])))) {
    throw failed(`it was not ready after ${READY_MS / 1000} s`);
  }
  // A process that ends closes what it has before anybody can learn how it ended.
  const ended = () => processStat(pid)?.exiting ?? true;
  const word = await Promise.race([said.promise, exited.then(() => 'close' as const)]);
  if (word === 'byte' || (ready === 'close' && !ended())) return;
  if (!(await settlesWithin(LAST_WORDS_MS, exited))) {
    throw failed('it closed descriptor 5 without a byte, which means that it failed');
  }
  await settlesWithin(LAST_WORDS_MS, says.ended);
  throw failed(`it ended with status ${(await exited).exitStatus} before it was ready`);

  function failed(reason: string): Fault {
    const text = says.text === '' ? '' : `; it says ${quote(says.text)}`;
    return new Fault('unknown', `start logging binary ${quote(path)}: ${reason}${text}`);
  }
}
